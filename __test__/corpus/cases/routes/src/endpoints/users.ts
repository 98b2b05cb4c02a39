import { SnifferEnvironmentParser } from '@geekmidas/envkit/sniffer';
import { construct } from '../constructs';
import { auth, database } from '../services';
export const getUsers = construct(() => new SnifferEnvironmentParser(), database, auth);
export const notAConstruct = 'text';
