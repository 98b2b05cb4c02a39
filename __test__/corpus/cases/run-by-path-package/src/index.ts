import { Worker } from 'node:worker_threads';
import { config } from './config';

export const start = () => new Worker(require.resolve('@shop/mailer'));
export const other = () => new Worker(require.resolve('lodash.get'));
console.log(config.port);
