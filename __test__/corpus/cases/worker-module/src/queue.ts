import { EnvironmentParser } from '@geekmidas/envkit';
new EnvironmentParser(process.env as Record<string, string>).create((get) => ({ queue: get('QUEUE_URL').string(), level: get('LEVEL').string().default('a') })).parse();
