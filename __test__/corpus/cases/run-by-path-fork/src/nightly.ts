import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    nightly_key: get('NIGHTLY_KEY').string(),
  }))
  .parse();
