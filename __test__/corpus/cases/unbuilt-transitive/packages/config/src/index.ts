export { config } from '@shop/env';
