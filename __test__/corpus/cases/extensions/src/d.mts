import { EnvironmentParser } from '@geekmidas/envkit';

export const d = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    x: get('D').string(),
  }))
  .parse();
