import { service } from './constructs';
export const database = service('database', (get) => ({ url: get('DATABASE_URL').string(), size: get('DB_POOL_SIZE').coerce.number().optional() }));
export const auth = service('auth', (get) => ({ secret: get('AUTH_SECRET').string() }));
export const queue = service('queue', (get) => ({ url: get('QUEUE_URL').string() }));
