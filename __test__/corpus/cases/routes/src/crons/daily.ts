import { SnifferEnvironmentParser } from '@geekmidas/envkit/sniffer';
import { construct } from '../constructs';
import { database, queue } from '../services';
export default construct(() => new SnifferEnvironmentParser(), database, queue);
