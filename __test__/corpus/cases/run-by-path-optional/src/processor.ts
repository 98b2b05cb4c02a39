import { EnvironmentParser } from '@geekmidas/envkit';

new EnvironmentParser({ ...process.env }).create((get) => ({ key: get('MAIL_API_KEY').string(), from: get('MAIL_FROM').string().optional(), port: get('PORT').string().default('1') })).parse();
