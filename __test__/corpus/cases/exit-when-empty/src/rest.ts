import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    mail: get('MAIL_FROM').string().email(),
  }))
  .parse();
