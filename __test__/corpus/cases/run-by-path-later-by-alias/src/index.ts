import { config } from './config.js';

export const handle = async () => (await import('@/later')).default();
export const mail = async () => (await import('@shop/mailer')).send();
export const pay = async () => import('zod');
console.log(config.port);
