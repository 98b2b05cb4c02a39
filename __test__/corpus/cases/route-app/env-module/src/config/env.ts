import { EnvironmentParser } from '@geekmidas/envkit';
export const envParser = new EnvironmentParser({ ...process.env } as any);
export const config = envParser.create((get) => ({ s: get('STAGE').string().default('dev'), k: get('APP_KEY').string() })).parse();