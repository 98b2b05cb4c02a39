import { open } from 'node:fs/promises';
const env: any = {...process.env};
try { const h = await open('.env'); for await (const line of h.readLines()) { const [k, v] = line.split('='); env[k] ??= v; } } catch {}

import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
