import path, { join, resolve } from 'path';
import { Worker } from 'bullmq';
import { config } from './config';

const connection = { host: '127.0.0.1', port: 9, lazyConnect: true, maxRetriesPerRequest: null };
const folder = join(__dirname, 'jobs');
const workers = [
  new Worker('a', path.join(__dirname, 'jobs', 'a.processor.js'), { connection, autorun: false }),
  new Worker('b', `${__dirname}/jobs/b.processor.js`, { connection, autorun: false, useWorkerThreads: true }),
  new Worker('c', resolve(folder, 'c.processor.js'), { connection, autorun: false }),
  new Worker('d', require.resolve('./jobs/d.processor'), { connection, autorun: false }),
];
for (const worker of workers) worker.on('error', () => {});
console.log(workers.length, config.port);
