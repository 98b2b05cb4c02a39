import { Request } from 'express';
import { Clock, Id, Repository } from './index.types.js';

const inject = (): ParameterDecorator => () => {};
const route = (): MethodDecorator => () => {};

export class Service {
  constructor(@inject() readonly repository: Repository, @inject() readonly clock: Clock) {}
  @route() handle(request: Request, id: Id) { return { request, id }; }
}
