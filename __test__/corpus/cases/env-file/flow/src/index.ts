import flow from 'dotenv-flow';
flow.config({ silent: true });
const env = { ...flow.parse(flow.listFiles().filter(() => true)), ...process.env };
import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(env as any)
  .create((get) => ({ port: get('PORT').string().transform(Number), url: get('DATABASE_URL').string() }))
  .parse();
