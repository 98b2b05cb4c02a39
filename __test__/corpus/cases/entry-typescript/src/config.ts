import { EnvironmentParser } from '@geekmidas/envkit';
interface Foo { a: string }
export enum Mode { A = 'a' }

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    db: { url: get('DATABASE_URL').string().url() },
    level: get('LOG_LEVEL').enum(['debug', 'info']).default('info'),
    x: get('N').coerce.number(),
  })).parse();
