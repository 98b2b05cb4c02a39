import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { cors } from 'hono/cors';
import { config } from './config.ts';
import { sign, verify } from './session.ts';

const app = new Hono();

app.use(cors({ origin: config.auth.trustedOrigins, credentials: true }));
app.get('/health', (context) => context.json({ ok: true }));
app.post('/sign-in/:user', (context) => {
	const user = context.req.param('user');
	const secure = config.auth.url.startsWith('https:');
	setCookie(context, 'session', sign(user, config.auth.secret), { httpOnly: true, secure, sameSite: 'Lax' });
	return context.json({ user });
});
app.get('/session', (context) => {
	const user = verify(getCookie(context, 'session') ?? '', config.auth.secret);
	return user ? context.json({ user }) : context.json({ error: 'not signed in' }, 401);
});

serve({ fetch: app.fetch, port: config.port }, ({ port }) => console.log(`admin-auth listens on ${port}`));
