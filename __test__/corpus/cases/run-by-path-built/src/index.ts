import path from 'node:path';
import { fork } from 'node:child_process';
import { config } from './config';

export const mail = () => fork(path.join(process.cwd(), 'dist/processor.js'));
export const other = () => fork(path.resolve(__dirname, '../dist/jobs/other.js'));
console.log(config.port);
