import { Id } from './types.js';
export { Repository, Clock } from './types.js';
export { Id };
