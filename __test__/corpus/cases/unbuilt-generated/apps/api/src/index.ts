import { EnvironmentParser } from '@geekmidas/envkit';
import { client } from '@shop/config';
export const config = new EnvironmentParser({ ...process.env }).create((get) => ({ port: get('PORT').string(), url: get('DATABASE_URL').string() })).parse();
console.log(client);
