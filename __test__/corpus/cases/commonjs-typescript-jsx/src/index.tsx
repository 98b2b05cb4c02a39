import { Page } from './page';
import { config } from './config';

if ((<Page title={config.port} />).type !== Page) throw new Error('no element');
