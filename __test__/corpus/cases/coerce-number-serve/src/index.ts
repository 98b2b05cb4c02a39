import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { config } from './config';
serve({ fetch: new Hono().fetch, port: config.port });
