export { default as raw } from './worker.ts?raw';
