import { client } from 'awaiting';
import { config } from './config';

console.log(client, config.port);
