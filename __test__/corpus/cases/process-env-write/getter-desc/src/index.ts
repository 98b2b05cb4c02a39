const d = Object.getOwnPropertyDescriptor(process.env, 'PATH'); if (!d?.writable) throw new Error('x'); Object.entries(process.env).forEach(([k, v]) => { process.env[k] = v; });
const { config } = await import('./config.js');
console.log(config.port);