const Sentry = { init(o: any) {} };
export function beforeSetup() { Sentry.init({ dsn: process.env.SENTRY_DSN }); }