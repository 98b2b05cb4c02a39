import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
export const asked = (name: string) => new EnvironmentParser(process.env as Record<string, string>).create((get) => ({ name: get(name).string() })).parse();
