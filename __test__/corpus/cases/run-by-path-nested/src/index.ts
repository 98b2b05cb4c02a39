import { fork } from 'node:child_process';
import { join } from 'node:path';
import { config } from './config';

export const start = () => fork(join(__dirname, 'processor.js'));
console.log(config.port);
