process.env = Object.create(process.env); process.env.A = '1'; process.env.A = '2'; if (process.env.A !== '2') throw new Error('x');
const { config } = await import('./config.js');
console.log(config.port);