import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    b_key: get('B_KEY').string(),
  }))
  .parse();
export default async () => config.b_key;
