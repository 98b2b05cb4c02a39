import en from 'places/langs/en.json';
import { version } from 'places/package.json';
import * as all from 'places/langs/en.json';
import de from 'closed/langs/de';
import manifest, { name } from 'closed/package.json';
import own, { nested } from './own.json';
import list from './list.json';
import { config } from './config';

if (en.de !== 'Germany' || version !== '2.0.0' || all.de !== 'Germany' || de.en !== 'English') throw new Error('wrong places');
if (manifest.name !== name || nested.a !== own.nested.a || list[1] !== 2) throw new Error('wrong files');
console.log(config.port);
