import { Worker, isMainThread } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { config } from './config.js';
import { EnvironmentParser } from '@geekmidas/envkit';

if (isMainThread) new Worker(fileURLToPath(import.meta.url)).on('error', () => {});
else new EnvironmentParser({ ...process.env }).create((get) => ({ key: get('MAIL_API_KEY').string() })).parse();
console.log(config.port);
