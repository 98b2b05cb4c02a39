import { endpoint } from '../con';
import { envParser } from '../config/env';
export const b = { ...endpoint(), handler: async () => envParser.create((get) => ({ k: get('HANDLER_KEY').string() })).parse() };
