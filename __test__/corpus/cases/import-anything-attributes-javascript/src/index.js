import query from './users.sql' with { type: 'text' };
import data from './data.json' with { type: 'json' };
import { config } from './config.js';

if (!query.startsWith('select') || data.level !== 'info') throw new Error('no text');
console.log(config.port);
