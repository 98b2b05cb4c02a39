import { Hono } from 'hono';
import { z } from 'zod';
const body = z.object({ id: z.string(), count: z.number().int().min(4) });
const twice = (value: number) => value * 2;
export const route = new Hono().post('/r4', async (context) => context.json({ ok: body.safeParse(await context.req.json()).success, n: twice(4) }));
