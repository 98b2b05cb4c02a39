import { typesOf } from './reflect.js';
import { ConfigService } from './config.service.js';
import { Injectable } from './injectable.js';

@Injectable()
class AppService {
  constructor(private readonly config: ConfigService, public readonly missing?: string) {}
  get port() { return this.config.values.port; }
}
function create<T>(type: new (...args: any[]) => T): T {
  return new type(...typesOf(type).filter((part) => part !== String).map(create));
}
if (create(AppService).port === undefined) throw new Error('nothing was injected');
