if (!('A' in process.env)) process.env.A = '1'; if (!('A' in process.env)) throw new Error('x');
const { config } = await import('./config.js');
console.log(config.port);