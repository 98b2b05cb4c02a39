import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    a_key: get('A_KEY').string(),
  }))
  .parse();
export default async () => config.a_key;
