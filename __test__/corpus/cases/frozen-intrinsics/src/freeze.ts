for (const intrinsic of [Object, Array, Function, Error, TypeError, Map, Set, WeakMap, WeakSet, Promise, RegExp, String, Number, Symbol] as any[]) {
  Object.freeze(intrinsic);
  Object.freeze(intrinsic.prototype);
}
for (const space of [JSON, Math, Reflect, Atomics]) Object.freeze(space);
