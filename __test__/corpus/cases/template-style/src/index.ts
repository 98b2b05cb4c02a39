import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { config } from './config';

const app = new Hono().get('/', (context) => context.text('ok'));
serve({ fetch: app.fetch, port: config.port });
