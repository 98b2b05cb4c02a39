const o = JSON.parse(JSON.stringify(process.env)); for (const k in process.env) process.env[k] = o[k];
const { config } = await import('./config.js');
console.log(config.port);