import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    d_key: get('D_KEY').string(),
  }))
  .parse();
export default async () => config.d_key;
