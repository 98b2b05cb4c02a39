import { EnvironmentParser } from '@geekmidas/envkit';

export const b = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    b_key: get('B_KEY').string(),
  }))
  .parse();
export default 'b';
