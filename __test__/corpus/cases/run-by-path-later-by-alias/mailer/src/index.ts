import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    mail_api_key: get('MAIL_API_KEY').string(),
  }))
  .parse();
export const send = () => config;
