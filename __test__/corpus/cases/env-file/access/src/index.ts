import { access, readFile } from 'node:fs/promises';
import { parse } from 'dotenv';
const has = await access('.env').then(() => true, () => false);
const env = { ...(has ? parse(await readFile('.env')) : {}), ...process.env };
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
