import { EnvironmentParser } from '@geekmidas/envkit';
new EnvironmentParser(process.env as any).create((get) => ({ dsn: get('SENTRY_DSN').string() })).parse();