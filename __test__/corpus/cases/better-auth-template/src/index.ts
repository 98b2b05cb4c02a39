import { serve } from '@hono/node-server';
import { betterAuth } from 'better-auth';
import { Hono } from 'hono';
import pg from 'pg';
import { config } from './config';

export const auth = betterAuth({
  database: new pg.Pool({ connectionString: config.databaseUrl }),
  baseURL: config.authUrl,
  secret: config.secret,
  trustedOrigins: config.origins.split(','),
  emailAndPassword: { enabled: true },
});

const app = new Hono().on(['GET', 'POST'], '/api/auth/*', (context) => auth.handler(context.req.raw));
serve({ fetch: app.fetch, port: config.port });
