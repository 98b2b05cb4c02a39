import { EnvironmentParser } from '@geekmidas/envkit';
const parser = new EnvironmentParser(process.env as Record<string, string>);
export default async function database() {
  await new Promise((resolve) => setImmediate(resolve));
  parser.create((get) => ({ url: get('DATABASE_URL').string().url() })).parse();
}
