const Sentry = { init(o: any) {} };
Sentry.init({ dsn: process.env.SENTRY_DSN, release: process.env.RELEASE ?? 'x' });
export function beforeSetup() {}