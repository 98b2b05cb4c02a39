import fs from 'node:fs';
import { parse } from 'dotenv';
let text = '';
try { const fd = fs.openSync('.env', 'r'); text = fs.readFileSync(fd, 'utf8'); } catch {}
const env = { ...parse(text), ...process.env };
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
