import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    pooled_key: get('POOLED_KEY').string(),
  }))
  .parse();
