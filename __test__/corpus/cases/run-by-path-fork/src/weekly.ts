import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    weekly_key: get('WEEKLY_KEY').string(),
  }))
  .parse();
