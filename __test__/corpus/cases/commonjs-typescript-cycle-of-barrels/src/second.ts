import { first, later } from './barrel';

if (typeof first !== 'function' || typeof later !== 'function') throw new Error('cycles see what is hoisted');
export function second() { return typeof first; }
