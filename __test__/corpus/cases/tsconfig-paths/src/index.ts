import { config } from '$config';
import { mail } from '~/mail/index.js';
import { name } from 'src/name';
console.log(config, mail, name);
