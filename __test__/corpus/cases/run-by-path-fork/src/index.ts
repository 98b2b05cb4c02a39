import { fork } from 'node:child_process';
import path from 'node:path';
import { config } from './config';

const child = fork(path.join(__dirname, 'processor'), [], { stdio: 'ignore' });
child.on('exit', (code) => process.exit(code ?? 1));
export const start = () => fork('src/nightly.ts');
export const named = (prod: boolean) => fork(prod ? path.resolve('src/weekly.js') : './src/weekly.ts');
console.log(config.port);
