import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { config } from './config';

for (const name of ['a', 'b']) new Worker(path.join(__dirname, 'jobs', `${name}.js`)).on('error', (error) => { throw error; });
console.log(config.port);
