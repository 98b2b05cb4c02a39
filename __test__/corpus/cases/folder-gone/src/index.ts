import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
const folder = mkdtempSync(`${tmpdir()}/gone-`);
process.chdir(folder);
rmdirSync(folder);
await import('./config.js');
