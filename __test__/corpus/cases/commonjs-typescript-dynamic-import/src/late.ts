import { EnvironmentParser } from '@geekmidas/envkit';

export const late = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    late_key: get('LATE_KEY').string(),
  }))
  .parse();
export default 'whole';
