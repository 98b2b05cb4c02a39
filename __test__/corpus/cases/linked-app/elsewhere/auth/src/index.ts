import { config } from './config';
console.log(config, process.env.DIRECT);
