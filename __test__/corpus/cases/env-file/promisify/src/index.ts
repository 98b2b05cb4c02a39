import fs from 'node:fs';
import { promisify } from 'node:util';
import { parse } from 'dotenv';
const env = { ...((await promisify(fs.exists)('.env')) ? parse(await promisify(fs.readFile)('.env')) : {}), ...process.env };
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
