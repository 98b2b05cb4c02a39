import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    mail_api_key: get('MAIL_API_KEY').string(),
  }))
  .parse();
export default async () => config.mail_api_key;
if (isMainThread) throw new Error('not a thread');
parentPort!.postMessage(workerData.a);
parentPort!.on('message', () => {});
