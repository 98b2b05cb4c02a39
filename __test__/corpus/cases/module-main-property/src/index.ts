import { EnvironmentParser } from '@geekmidas/envkit';

if (import.meta.main) {
  new EnvironmentParser(process.env).create((get) => ({ port: get('PORT').string() })).parse();
}
