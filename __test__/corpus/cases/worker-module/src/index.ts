import { Worker, isMainThread } from 'node:worker_threads';
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>).create((get) => ({ port: get('PORT').string() })).parse();
if (isMainThread) {
  new Worker(new URL('./worker.ts', import.meta.url)).on('error', () => {});
} else {
  new EnvironmentParser(process.env as Record<string, string>).create((get) => ({ thread: get('THREAD_KEY').string() })).parse();
}
