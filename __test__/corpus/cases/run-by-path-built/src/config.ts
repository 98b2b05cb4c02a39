import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    port: get('PORT').string(),
    database_url: get('DATABASE_URL').string(),
  }))
  .parse();
