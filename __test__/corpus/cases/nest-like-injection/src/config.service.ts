import { EnvironmentParser } from '@geekmidas/envkit';
import { Injectable } from './injectable.js';

@Injectable()
export class ConfigService {
  readonly values = new EnvironmentParser(process.env as Record<string, string>)
    .create((get) => ({ databaseUrl: get('DATABASE_URL').string(), port: get('PORT').string() }))
    .parse();
}
