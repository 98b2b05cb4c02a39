process.exit = (() => { throw new Error('no exit'); }) as never;
Error.prepareStackTrace = () => 'none';
Error.stackTraceLimit = 0;
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
if (Error.stackTraceLimit !== 0) throw new Error('not put back');
