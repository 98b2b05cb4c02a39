import { config as load } from 'dotenv';
const r = load({ path: 'config/app.env' });
const env = { ...r.parsed };
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
