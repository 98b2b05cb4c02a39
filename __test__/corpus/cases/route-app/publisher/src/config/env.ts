import { EnvironmentParser } from '@geekmidas/envkit';
export const envParser = new EnvironmentParser({ ...process.env } as any);
