import { EnvironmentParser } from '@geekmidas/envkit';
const env = (n: string) => process.env[n];
export const c = new EnvironmentParser({ apiUrl: env('API_URL'), port: env('PORT') } as any).create((get) => ({ a: get('apiUrl').string(), p: get('port').coerce.number() })).parse();