import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    api: get('NEXT_PUBLIC_API_URL').string(),
    key: get('NEXT_PUBLIC_KEY').string(),
  }))
  .parse();
