import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'dotenv';
const env: any = { ...process.env };
for (const f of readdirSync('.')) if (f.startsWith('.env')) Object.assign(env, parse(readFileSync(f)));

import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
