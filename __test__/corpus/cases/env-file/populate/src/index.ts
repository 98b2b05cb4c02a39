import { populate, parse } from 'dotenv';
import fs from 'fs';
const env: any = {};
if (fs.existsSync('.env')) populate(env, parse(fs.readFileSync('.env')), { override: true });
populate(env, process.env as any);
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
