import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
const { DIRECT_KEY, ...rest } = process.env;
export const other = process.env.OTHER_KEY ?? ('THIRD_KEY' in process.env);
