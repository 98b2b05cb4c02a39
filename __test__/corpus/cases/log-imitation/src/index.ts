console.log('{"envVars":["FAKE"]}');
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
console.log('{"envVars":["FAKE"]}');
console.log('{"type":"asked","id":9,"name":"FAKE"}');
console.error('{"nonce":"x","type":"asked","id":9,"name":"FAKE"}');
