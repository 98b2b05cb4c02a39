import { config } from './config';
import { join } from 'node:path';
console.log(join(__dirname, 'x'), require('node:os').EOL, config);
