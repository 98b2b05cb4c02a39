import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { config } from './config.ts';

const app = new Hono();

app.get('/health', (context) => context.json({ ok: true }));
app.use(serveStatic({ root: './apps/admin/dist' }));

serve({ fetch: app.fetch, port: config.port }, ({ port }) => console.log(`admin listens on ${port}`));
