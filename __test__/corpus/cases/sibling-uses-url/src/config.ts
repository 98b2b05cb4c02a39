import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    api: get('API_URL').string(),
    hosts: get('HOSTS').string(),
    page: get('PAGE').string().url(),
  }))
  .parse();
