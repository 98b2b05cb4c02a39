import { config } from './config';
export const client = [new URL(config.api), config.hosts.split(',').map((host) => host.trim()), new URL('/x', config.page)];
