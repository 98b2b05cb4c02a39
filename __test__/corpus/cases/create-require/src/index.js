import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { EnvironmentParser } = require('@geekmidas/envkit');
export const config = new EnvironmentParser(process.env).create((get) => ({ port: get('PORT').string() })).parse();
