import { EnvironmentParser } from '@geekmidas/envkit';

export const other = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    key: get('OTHER').string(),
  }))
  .parse();
