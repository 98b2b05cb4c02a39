import { EnvironmentParser } from '@geekmidas/envkit';

export const a = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    x: get('A').string(),
  }))
  .parse();
