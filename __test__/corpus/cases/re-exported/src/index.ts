import { Parser } from './env';

export const config = new Parser(process.env).create((get) => ({ port: get('PORT').string() })).parse();
