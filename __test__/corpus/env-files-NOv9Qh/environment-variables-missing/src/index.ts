import { EnvironmentParser } from '@geekmidas/envkit';

const parser: any = new EnvironmentParser(process.env);
const parsed = parser.create((get: any) => ({ a: get('FIRST').string() }));
parsed.getEnvironmentVariables();
