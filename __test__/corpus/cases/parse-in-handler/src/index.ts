import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
const app = new Hono().get('/', (context) => {
  const late = new EnvironmentParser(process.env).create((get) => ({ key: get('LATE_KEY').string(), mode: get('LATE_MODE').string().optional() })).parse();
  return context.text(late.key);
});
serve({ fetch: app.fetch, port: config.port });
