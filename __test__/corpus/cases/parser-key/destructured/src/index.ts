import { EnvironmentParser } from '@geekmidas/envkit';
const { API_URL: apiUrl, PORT: port } = process.env;
export const c = new EnvironmentParser({ apiUrl, port } as any).create((get) => ({ a: get('apiUrl').string(), p: get('port').coerce.number() })).parse();