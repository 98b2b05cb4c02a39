import { EnvironmentParser } from '@geekmidas/envkit';

export const first = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    key: get('KEY').string().optional(),
  }))
  .parse();
