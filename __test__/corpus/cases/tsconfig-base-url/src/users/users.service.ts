import { config } from 'config';
export const users = [config.port];
