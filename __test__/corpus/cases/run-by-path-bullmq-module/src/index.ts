import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'bullmq';
import { config } from './config.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const connection = { host: '127.0.0.1', port: 9, lazyConnect: true, maxRetriesPerRequest: null };
const options = { connection, autorun: false };
const workers = [
  new Worker('a', path.join(here, './jobs/a.processor.js'), options),
  new Worker('b', new URL('./jobs/b.processor.js', import.meta.url), options),
  new Worker('c', fileURLToPath(import.meta.resolve('./jobs/c.processor.js')), options),
  new Worker('d', import.meta.dirname + '/jobs/d.processor.js', options),
];
for (const worker of workers) worker.on('error', () => {});
console.log(workers.length, config.port);
