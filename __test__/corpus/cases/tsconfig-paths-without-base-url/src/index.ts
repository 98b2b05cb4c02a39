import { config } from 'config';
import { name } from '@lib/name.js';
import query from 'users.sql';

if (!query.includes('select')) throw new Error('no query');
console.log(name, config.port);
