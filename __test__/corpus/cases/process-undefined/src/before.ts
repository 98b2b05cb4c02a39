for (const name of ['setTimeout', 'setImmediate', 'queueMicrotask', 'performance', 'fetch']) (globalThis as any)[name] = undefined;
(console as any).log = console.error = () => { throw new Error('no console'); };
