import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    deep_key: get('DEEP_KEY').string(),
  }))
  .parse();
