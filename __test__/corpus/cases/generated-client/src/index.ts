import { Client } from '../generated/client/index.js';
export const client = new Client();
client.$connect();
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
  }))
  .parse();
