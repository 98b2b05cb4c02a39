import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({ site: get('NEXT_PUBLIC_SITE').string().url(), token: get('CMS_TOKEN').string() })).parse();
