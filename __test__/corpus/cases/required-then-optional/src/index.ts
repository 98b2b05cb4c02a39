import { EnvironmentParser } from '@geekmidas/envkit';

export const first = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    key: get('KEY').string(),
  }))
  .parse();

export const second = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    key: get('KEY').string().default('x'),
  }))
  .parse();
