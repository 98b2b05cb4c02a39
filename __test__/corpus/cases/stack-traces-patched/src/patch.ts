Object.defineProperty(Error, 'prepareStackTrace', { get: () => () => { throw new Error('prepared'); }, set() { throw new Error('is set'); }, configurable: true });
Object.defineProperty(Error, 'stackTraceLimit', { value: 0, writable: false, configurable: true });
(Error as any).captureStackTrace = undefined;
