enum Level { Low = 1, High = Low << 2 }
const enum Flag { On = 'on' }
namespace Tools { export const twice = (value: number) => value * 2; }
abstract class Base { constructor(protected readonly value: number) {} abstract get(): number; }
class Real extends Base { get(): number { return this.value; } }
function pick(value: string): string;
function pick(value: number): number;
function pick(value: any) { return value; }
const shape = { a: 1 } satisfies Record<string, number>;
if (Level.High !== 4 || Flag.On !== 'on' || Tools.twice(2) !== 4 || new Real(5).get() !== 5 || pick(1) !== shape.a) throw new Error('typescript');
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
