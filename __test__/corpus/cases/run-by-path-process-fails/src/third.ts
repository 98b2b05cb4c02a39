import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    third_key: get('THIRD_KEY').string(),
  }))
  .parse();
