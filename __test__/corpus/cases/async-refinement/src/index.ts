import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    key: get('KEY').string().refine(async () => true),
    soft: get('SOFT').string().refine(async () => true).optional(),
  }))
  .parse();
