import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
    key: get('API_KEY').string(),
  }))
  .parse();
if (!config.databaseUrl || !config.key || !config.port) process.exit(1);
await import('./rest');
