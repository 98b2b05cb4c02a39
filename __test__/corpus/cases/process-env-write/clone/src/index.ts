const c = structuredClone(process.env); const d = structuredClone({ env: process.env, list: [process.env] }); if (c.PATH !== process.env.PATH || d.list[0].PATH !== c.PATH) throw new Error('x'); process.env.B = 'x';
const { config } = await import('./config.js');
console.log(config.port);