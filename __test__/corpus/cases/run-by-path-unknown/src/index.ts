import path from 'node:path';
import { fork } from 'node:child_process';
import { config } from './config';

export const start = (name: string) => fork(path.join(__dirname, 'jobs', `${name}.js`));
console.log(config.port);
