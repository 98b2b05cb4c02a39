import { EnvironmentParser } from '@geekmidas/envkit';
export const parser = new EnvironmentParser(process.env as Record<string, string>);
