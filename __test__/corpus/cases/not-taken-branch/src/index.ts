import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
if (process.env.NODE_ENV !== 'production') {
  new EnvironmentParser(process.env as any).create((get) => ({ key: get('DEV_KEY').string() })).parse();
}
