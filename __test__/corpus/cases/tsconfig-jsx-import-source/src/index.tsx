import { config } from './config';
import { view } from '../classic/view';

const page = <html><body>{config.port}</body></html>;
if (!String(page).startsWith('<html>')) throw new Error('wrong runtime');
console.log(view.length);
