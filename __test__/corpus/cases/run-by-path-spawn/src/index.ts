import cluster from 'node:cluster';
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { config } from './config';

spawn(process.execPath, ['--enable-source-maps', join(__dirname, 'processor.js')], { stdio: 'ignore' });
export const report = () => execFile('node', [join(__dirname, 'report.js')]);
if (process.env.CLUSTER) {
  cluster.setupPrimary({ exec: join(__dirname, 'member.js') });
  cluster.fork();
}
console.log(config.port);
