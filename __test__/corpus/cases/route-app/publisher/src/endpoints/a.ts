import { endpoint } from '../con';
import { db, stripe } from '../services';
export const a = { ...endpoint(db), publisherService: stripe };
