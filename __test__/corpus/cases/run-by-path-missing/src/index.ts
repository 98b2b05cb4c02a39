import path from 'node:path';
import { fork } from 'node:child_process';
import { config } from './config';

export const start = () => fork(path.join(__dirname, 'generated/worker.js'));
console.log(config.port);
