import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    ending_key: get('ENDING_KEY').string(),
  }))
  .parse();
process.exit(0);
