import { opendir, readFile } from 'node:fs/promises';
import { parse } from 'dotenv';
const env: any = { ...process.env };
for await (const f of await opendir('.')) if (f.name.startsWith('.env')) Object.assign(env, parse(await readFile(f.name)));

import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
