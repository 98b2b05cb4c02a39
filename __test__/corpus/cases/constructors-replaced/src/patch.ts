Object.defineProperty(Object.prototype, 'extended', { value: true, enumerable: true, configurable: true });
(Object.prototype as any).toJSON = undefined;
(globalThis as any).Date = class { static now() { throw new Error('no time'); } };
(Array.prototype as any).last = function () { return this[this.length - 1]; };
