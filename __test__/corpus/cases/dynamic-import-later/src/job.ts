import { EnvironmentParser } from '@geekmidas/envkit';

export const jobConfig = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    queue: get('QUEUE_URL').string(),
  }))
  .parse();
