import { EnvironmentParser } from '@geekmidas/envkit';

async function start() {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return new EnvironmentParser(process.env).create((get) => ({ port: get('PORT').string() })).parse();
}
start();
