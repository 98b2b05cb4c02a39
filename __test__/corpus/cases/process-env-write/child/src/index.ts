import { execFileSync } from 'node:child_process';
process.env.CHILD = 'y'; const out = execFileSync(process.execPath, ['-p', 'process.env.CHILD'], { env: process.env, encoding: 'utf8' }); if (out.trim() !== 'y') throw new Error(out);
const { config } = await import('./config.js');
console.log(config.port);