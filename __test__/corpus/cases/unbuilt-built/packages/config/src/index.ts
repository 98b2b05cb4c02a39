import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    stale: get('STALE').string(),
  }))
  .parse();
