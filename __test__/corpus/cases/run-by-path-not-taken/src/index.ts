import path from 'node:path';
import { fork } from 'node:child_process';
import { config } from './config';

if (process.env.RUN_JOBS) fork(path.join(__dirname, 'processor.js'));
console.log(config.port);
