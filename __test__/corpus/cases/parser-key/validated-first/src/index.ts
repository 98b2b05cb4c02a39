import { EnvironmentParser } from '@geekmidas/envkit';
if (!process.env.API_URL) throw new Error('API_URL is missing');
export const c = new EnvironmentParser({ apiUrl: process.env.API_URL, port: process.env.PORT } as any).create((get) => ({ a: get('apiUrl').string(), p: get('port').coerce.number() })).parse();