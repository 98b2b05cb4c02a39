import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(import.meta.env).create((get) => ({ api: get('VITE_API_URL').string(), mode: get('VITE_MODE').string().default('x') })).parse();
export const direct = import.meta.env.VITE_DIRECT;
