export { config } from '#settings/config';
