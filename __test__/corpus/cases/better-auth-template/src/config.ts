import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
    authUrl: get('BETTER_AUTH_URL').string(),
    secret: get('BETTER_AUTH_SECRET').string(),
    origins: get('BETTER_AUTH_TRUSTED_ORIGINS').string(),
  }))
  .parse();
