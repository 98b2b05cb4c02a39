process.env.PORT = process.env.API_PORT;
const { config } = await import('./config.js');
console.log(config.port);