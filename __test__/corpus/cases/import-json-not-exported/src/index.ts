import data from 'closed/data/de.json';
import { version } from 'closed/package.json';
import { config } from './config';

if (data.en !== 'English' || version !== '1.0.0') throw new Error('wrong');
console.log(config.port);
