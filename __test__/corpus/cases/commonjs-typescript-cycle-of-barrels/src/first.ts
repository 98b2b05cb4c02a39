import { second } from './barrel';

export function first() { return `first ${second()}`; }
export const later = () => second();
