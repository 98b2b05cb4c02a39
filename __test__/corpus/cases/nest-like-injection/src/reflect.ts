const all = new WeakMap<object, Map<string, unknown>>();
export function typesOf(target: object): any[] { return (all.get(target)?.get('design:paramtypes') as any[]) ?? []; }
(Reflect as any).metadata = (key: string, value: unknown) => (target: object) => {
  const known = all.get(target) ?? new Map();
  all.set(target, known.set(key, value));
};
