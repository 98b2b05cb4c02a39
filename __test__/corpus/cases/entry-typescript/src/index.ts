import { createServer } from 'node:http';
import { config } from './config';
console.log(config, process.env.DIRECT);
createServer(() => {}).listen(config.port, () => console.log('listening'));
