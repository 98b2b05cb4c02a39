import { config } from './config';
import { client } from '@shop/config';
console.log(client, config.port);
