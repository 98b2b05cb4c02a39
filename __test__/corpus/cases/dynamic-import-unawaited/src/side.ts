import { EnvironmentParser } from '@geekmidas/envkit';

export const side = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    key: get('SIDE_KEY').string(),
  }))
  .parse();
