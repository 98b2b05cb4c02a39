import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { config } from './config.ts';

const app = new Hono();

app.get('/health', (context) => context.json({ ok: true }));
app.get('/orders', (context) => context.json({ orders: [], database: new URL(config.databaseUrl).pathname.slice(1) }));

serve({ fetch: app.fetch, port: config.port }, ({ port }) => console.log(`api listens on ${port}`));
