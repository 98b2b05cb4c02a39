import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser({ PORT: '3000', ...process.env }).create((get) => ({ port: get('PORT').string(), key: get('KEY').string() })).parse();
if (config.port !== '3000') throw new Error('not its own value');
