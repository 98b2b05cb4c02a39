for (let i = 0; i < 200; i++) console.log('x'.repeat(100_000));
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
for (let i = 0; i < 100; i++) console.error('y'.repeat(100_000));
