import { fileURLToPath } from 'node:url';
import { EnvironmentParser } from '@geekmidas/envkit';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  new EnvironmentParser(process.env).create((get) => ({ port: get('PORT').string() })).parse();
}
