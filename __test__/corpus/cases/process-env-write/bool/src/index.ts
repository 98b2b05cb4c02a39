(process.env as any).A = true; if (process.env.A !== 'true') throw new Error('x'); (process.env as any).N = null; if (process.env.N !== 'null') throw new Error('y');
const { config } = await import('./config.js');
console.log(config.port);