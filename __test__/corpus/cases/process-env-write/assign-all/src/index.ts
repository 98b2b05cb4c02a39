Object.assign(process.env, process.env, { A: '1' }); Object.assign(process.env, { ...process.env });
const { config } = await import('./config.js');
console.log(config.port);