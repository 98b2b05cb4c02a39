import { EnvironmentParser } from '@geekmidas/envkit';

export const secret = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    later_key: get('LATER_KEY').string(),
  }))
  .parse();
