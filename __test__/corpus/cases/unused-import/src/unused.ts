import { EnvironmentParser } from '@geekmidas/envkit';

export const unused = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    x: get('UNUSED_KEY').string(),
  }))
  .parse();
