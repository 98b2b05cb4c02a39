import { region } from './secrets';
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env }).create((get) => ({ port: get('PORT').string(), url: get(`DATABASE_URL`).string(), key: get(region === 'eu' ? 'EU_KEY' : 'US_KEY').string() })).parse();
