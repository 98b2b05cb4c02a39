import { envParser } from './config/env';
const c = envParser.create((get) => ({ dsn: get('SENTRY_DSN').string() })).parse();
export function beforeSetup() {}