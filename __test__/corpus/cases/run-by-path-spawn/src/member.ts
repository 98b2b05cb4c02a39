import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    member_key: get('MEMBER_KEY').string(),
  }))
  .parse();
