import { EnvironmentParser } from '@geekmidas/envkit';

export const secret = (name: string) => new EnvironmentParser({ ...process.env }).create((get) => ({ key: get(`${name.toUpperCase()}_API_KEY`).string() })).parse().key;
