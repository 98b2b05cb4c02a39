import { EnvironmentParser } from 'env';

export const config = new EnvironmentParser(process.env).create((get) => ({ port: get('PORT').string() })).parse();
