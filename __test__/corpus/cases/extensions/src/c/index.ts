import { EnvironmentParser } from '@geekmidas/envkit';

export const c = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    x: get('C').string(),
  }))
  .parse();
