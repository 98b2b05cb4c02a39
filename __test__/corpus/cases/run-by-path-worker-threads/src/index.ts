import { Worker } from 'node:worker_threads';
import path from 'node:path';
import { config } from './config';

class Pool { constructor(public options: { filename: string }) {} }
const worker = new Worker(path.resolve(__dirname, 'processor.js'), { workerData: { a: 1 } });
worker.on('error', (error) => { throw error; });
worker.on('exit', () => process.exit(1));
export const pool = new Pool({ filename: path.resolve(__dirname, 'pooled.js') });
console.log(config.port);
