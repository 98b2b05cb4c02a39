import { once } from 'node:events';
import { createServer } from 'node:net';

const first = createServer().listen(47113);
const second = createServer().listen(47113);
await Promise.all([once(first, 'listening'), once(second, 'listening')]);
await import('./config');
