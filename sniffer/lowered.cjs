'use strict';

// What oxc's output calls where it lowers syntax that Node does not run: decorators and `using`.

function install() {
  const helpers = {
    decorate(decorators, target, key, descriptor) {
      const isMember = arguments.length > 2;
      const isAccessor = isMember && descriptor === null;
      let result = isMember ? (isAccessor ? Object.getOwnPropertyDescriptor(target, key) : descriptor) : target;
      for (const decorator of [...decorators].reverse()) {
        result = (isMember ? decorator(target, key, result) : decorator(result)) || result;
      }
      if (isMember && result) Object.defineProperty(target, key, result);
      return result;
    },
    decorateParam: (index, decorator) => (target, key) => decorator(target, key, index),
    type(read) {
      try {
        return read() ?? Object;
      } catch {
        return Object;
      }
    },
    decorateMetadata: (key, value) => Reflect.metadata?.(key, value) ?? (() => {}),
    defineProperty: (target, key, value) =>
      Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true }),
    usingCtx,
  };
  Object.defineProperty(globalThis, 'babelHelpers', { value: helpers, configurable: true, writable: true });
}

// The resources of one block: `u` and `a` take one of `using` and of `await using`, `e` what the block threw, `d` disposes.
function usingCtx() {
  const nothing = {};
  const resources = [];
  const use = (isAsync) => (value) => {
    if (value != null) resources.push({ value, dispose: disposerOf(value, isAsync), isAsync });
    else if (isAsync) resources.push({ isAsync });
    return value;
  };
  const failed = (error) => {
    context.e = context.e === nothing ? error : Object.assign(new Error('disposing failed'), { error, suppressed: context.e });
  };
  const context = { e: nothing, u: use(false), a: use(true), d: disposeRest };
  function disposeRest() {
    while (resources.length > 0) {
      const { value, dispose, isAsync } = resources.pop();
      try {
        const result = dispose?.call(value);
        if (isAsync) return Promise.resolve(result).then(disposeRest, (error) => (failed(error), disposeRest()));
      } catch (error) {
        failed(error);
      }
    }
    if (context.e !== nothing) throw context.e;
    return undefined;
  }
  return context;
}

function disposerOf(value, isAsync) {
  const named = (name) => value[Symbol[name] ?? Symbol.for(`Symbol.${name}`)];
  const dispose = (isAsync ? named('asyncDispose') : undefined) ?? named('dispose');
  if (typeof dispose !== 'function') throw new TypeError('The value of `using` is not disposable');
  return dispose;
}

module.exports = { install };
