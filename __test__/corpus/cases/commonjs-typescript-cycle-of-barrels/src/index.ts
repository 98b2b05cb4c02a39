import { first } from './barrel';
import { config } from './config';

console.log(first(), config.port);
