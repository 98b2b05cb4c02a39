import next from '@next/env';
const { combinedEnv } = next.loadEnvConfig(process.cwd());
const env = { ...combinedEnv };
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
