import { EnvironmentParser } from '@geekmidas/envkit';

export const a = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    a_key: get('A_KEY').string(),
  }))
  .parse();
