import { EnvironmentParser } from '@geekmidas/envkit';

export const kept = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    x: get('KEPT_KEY').string(),
  }))
  .parse();
