process.env = { ...process.env, A: '1' }; process.env = Object.assign({}, process.env, { A: '2' }); if (process.env.A !== '2') throw new Error('x'); delete process.env.A; if (process.env.A) throw new Error('y');
const { config } = await import('./config.js');
console.log(config.port);