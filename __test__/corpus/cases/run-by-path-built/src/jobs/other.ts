import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    other_key: get('OTHER_KEY').string(),
  }))
  .parse();
