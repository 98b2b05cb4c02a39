import { config } from '@shop/config';
console.log(config.port);
