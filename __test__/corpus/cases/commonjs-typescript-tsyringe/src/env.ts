import { EnvironmentParser } from '@geekmidas/envkit';
import { singleton } from 'tsyringe';

@singleton()
export class Env {
  readonly values = new EnvironmentParser({ ...process.env }).create((get) => ({ port: get('PORT').string(), url: get('DATABASE_URL').string() })).parse();
}
