import { setTimeout } from 'node:timers/promises';

await setTimeout(1);
export const region = 'eu';
