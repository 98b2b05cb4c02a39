export * from './config.js';
export default function start() {}
