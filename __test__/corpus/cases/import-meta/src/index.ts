import { readFileSync } from 'node:fs';
import path from 'node:path';
const near = readFileSync(path.join(import.meta.dirname, 'name.txt'), 'utf8').trim();
if (import.meta.filename !== path.join(import.meta.dirname, 'index.ts')) throw new Error(import.meta.filename);
const { asked } = await import(import.meta.resolve('./config.ts'));
asked(near);
