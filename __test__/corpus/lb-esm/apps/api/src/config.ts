import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(process.env).create((get) => ({
port: get('PORT').coerce.number(), database: get('DATABASE_URL').string().url(), authUrl: get('BETTER_AUTH_URL').string(), authSecret: get('BETTER_AUTH_SECRET').string(),
level: get('LOG_LEVEL').enum(['debug', 'info']).default('info') })).parse();
