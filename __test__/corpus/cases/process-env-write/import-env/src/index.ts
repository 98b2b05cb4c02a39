import { env } from 'node:process';
env.A = '1'; env.A = '2'; if (process.env.A !== '2') throw new Error('x');
const { config } = await import('./config.js');
console.log(config.port);