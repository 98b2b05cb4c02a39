import { statSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
const env = { ...(statSync('.env', { throwIfNoEntry: false })?.isFile() ? parseEnv(readFileSync('.env', 'utf8')) : {}), ...process.env };
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
