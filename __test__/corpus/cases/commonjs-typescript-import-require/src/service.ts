import { Kind } from './kinds';

class Service {
  kind = Kind.Http;
  constructor(readonly app: unknown) {}
}
export = Service;
