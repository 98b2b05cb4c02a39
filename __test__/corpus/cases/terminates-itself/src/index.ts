import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 60_000));
process.kill(process.pid, 'SIGTERM');
await new Promise(() => setInterval(() => {}, 1000));
