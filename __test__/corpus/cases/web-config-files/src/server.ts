import 'server-only';
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    secret: get('SESSION_SECRET').string(),
    debug: get('DEBUG').string().optional(),
  }))
  .parse();
