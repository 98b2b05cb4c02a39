const Sentry = { init(o: any) {} };
if (process.env.SENTRY_DSN) Sentry.init({ dsn: process.env.SENTRY_DSN });