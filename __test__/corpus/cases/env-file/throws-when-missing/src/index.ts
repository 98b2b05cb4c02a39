import { readFileSync, existsSync } from 'node:fs';
import { parse } from 'dotenv';
if (!existsSync('.env')) throw new Error('copy .env.example to .env');
const env = { ...parse(readFileSync('.env')), ...process.env };
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
