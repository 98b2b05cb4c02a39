import { config } from './config';
import query from './users.sql' with { type: 'text' };
import script from './script.js' with { type: 'text' };
import bytes from './users.sql' with { type: 'bytes' };
import data from './data.json' with { type: 'json' };
import old from './data.json' assert { type: 'json' };

const { default: later } = await import('./users.sql', { with: { type: 'text' } });
if (!query.startsWith('select') || !script.startsWith('export') || later !== query) throw new Error('no text');
if (!(bytes instanceof Uint8Array) || data.level !== 'info' || old.level !== 'info') throw new Error('no data');
console.log(config.port);
