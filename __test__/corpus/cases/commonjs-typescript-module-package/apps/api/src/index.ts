import start, { config } from '@shop/config';

start();
console.log(config.port);
