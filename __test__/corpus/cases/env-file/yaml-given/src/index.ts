import { readFileSync } from 'node:fs';
const env: any = { ...process.env };
for (const l of readFileSync('config/default.yaml', 'utf8').split('\n')) { const [k, v] = l.split(': '); if (k) env[k] ??= v; }
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
