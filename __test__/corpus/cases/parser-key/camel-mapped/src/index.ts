import { EnvironmentParser } from '@geekmidas/envkit';
const camel = (s: string) => s.toLowerCase().replace(/_(.)/g, (_, c) => c.toUpperCase());
export const c = new EnvironmentParser(Object.fromEntries(Object.entries(process.env).map(([k, v]) => [camel(k), v])) as any).create((get) => ({ a: get('apiUrl').string(), p: get('port').coerce.number() })).parse();