import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { config } from './config';

const here = path.dirname(fileURLToPath(import.meta.url));
if (here !== __dirname || import.meta.dirname !== here || !import.meta.resolve('./config').endsWith('config.ts')) throw new Error(here);
console.log(config.port);
