import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    test_key: get('TEST_KEY').string(),
  }))
  .parse();
