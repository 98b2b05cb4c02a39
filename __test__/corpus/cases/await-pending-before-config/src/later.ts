import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    later: get('LATER').string(),
  }))
  .parse();
