export { config } from '#config';
