import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    c_key: get('C_KEY').string(),
  }))
  .parse();
export default async () => config.c_key;
