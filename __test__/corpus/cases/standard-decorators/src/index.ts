const seen: string[] = [];
function logged(value: Function, context: ClassMethodDecoratorContext) {
  seen.push(String(context.name));
  return function (this: unknown, ...args: unknown[]) { return value.apply(this, args); };
}
class Service {
  @logged run() { return 1; }
}
if (new Service().run() !== 1 || seen.join() !== 'run') throw new Error('decorators');
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
