import path from 'node:path';
import { config } from './config';

export const files = [path.join(__dirname, 'ending.js'), path.join(__dirname, 'processor.js'), path.join(__dirname, 'third.js')];
console.log(config.port);
