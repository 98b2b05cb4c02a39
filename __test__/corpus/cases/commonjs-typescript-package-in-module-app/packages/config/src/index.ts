import Marked from 'marked';

export * from './config';
export { Kind } from './kinds';
export { z } from 'zod';
export type { Shape } from './kinds';
export default { name: new Marked().name };
