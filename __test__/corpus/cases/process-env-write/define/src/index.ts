Object.defineProperty(process.env, 'A', { value: '1', writable: true, enumerable: true, configurable: true });
if (process.env.A !== '1') throw new Error('x');
const { config } = await import('./config.js');
console.log(config.port);