import { endpoint } from '../con';
import { db } from '../services';
export const a = endpoint(db);
