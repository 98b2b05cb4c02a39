export { config } from '@shop/config/env';
