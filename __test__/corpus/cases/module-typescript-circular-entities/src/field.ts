export const field = (type: () => unknown) => (target: object, key: string) => { void [type, target, key]; };
