import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    report_key: get('REPORT_KEY').string(),
  }))
  .parse();
