import { EnvironmentParser } from '@geekmidas/envkit';

export const mail = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    mail_url: get('MAIL_URL').string(),
  }))
  .parse();
