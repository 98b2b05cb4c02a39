import { Request, Response } from 'express';
import { Id, Repository, version } from './index.types';

const inject = (): ParameterDecorator => () => {};
const route = (): MethodDecorator => () => {};

export class Service {
  constructor(@inject() private readonly repository: Repository) {}
  @route() handle(request: Request, id: Id): Response { return { request, id, version, r: this.repository } as unknown as Response; }
}
export { Repository };
