import fs from 'node:fs';
import { parse } from 'dotenv';
const text = await new Promise<string>((res) => fs.readFile('.env', 'utf8', (e, t) => res(e ? '' : t)));
const env = {...parse(text), ...process.env};
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
