import fs from 'node:fs';
import readline from 'node:readline';
const env: any = {...process.env};
if (fs.existsSync('.env')) for await (const line of readline.createInterface({ input: fs.createReadStream('.env') })) { const [k, v] = line.split('='); env[k] ??= v; }

import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
