process.env.PORT ??= '3000';
const { config } = await import('./config.js');
console.log(config.port);