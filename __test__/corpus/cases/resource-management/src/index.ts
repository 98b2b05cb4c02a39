function open() { return { [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {} }; }
function go() { using handle = open() as Disposable; return handle; }
go();
{
  const closed: string[] = [];
  { using a = { [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() { closed.push('a'); } } as Disposable; await using b = { async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() { closed.push('b'); } } as AsyncDisposable; }
  if (closed.join() !== 'b,a') throw new Error(closed.join());
}
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
