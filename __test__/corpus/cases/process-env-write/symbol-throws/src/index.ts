try { (process.env as any)[Symbol.iterator] = 1; } catch (e) { if (!(e instanceof TypeError)) throw e; }
const { config } = await import('./config.js');
console.log(config.port);