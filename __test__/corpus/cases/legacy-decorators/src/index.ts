const seen: string[] = [];
function named(name: string) {
  return (target: any, key?: any, descriptor?: any) => { seen.push(name); return descriptor; };
}
const parameter = (_: any, __: any, index: number) => { seen.push(`p${index}`); };
@named('class')
class Service {
  @named('field') value!: string;
  @named('method') run(@parameter input: string): string { return input; }
}
if (new Service().run('x') !== 'x' || seen.sort().join() !== 'class,field,method,p0') throw new Error(seen.join());
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
