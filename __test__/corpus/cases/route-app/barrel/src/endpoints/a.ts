import { endpoint } from '../con';
import * as services from '../services';
export const a = endpoint(services.db, new services.MailService());
