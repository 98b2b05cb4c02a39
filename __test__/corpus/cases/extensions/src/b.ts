import { EnvironmentParser } from '@geekmidas/envkit';

export const b = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    x: get('B').string(),
  }))
  .parse();
