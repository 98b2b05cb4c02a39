import path from 'node:path';
import { config } from './config';

export const file = path.join(__dirname, 'processor.js');
console.log(config.port);
