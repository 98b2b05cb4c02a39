import { injectable } from 'tsyringe';
import { Env } from './env';

@injectable()
export class Server { constructor(private env: Env) {} port() { return this.env.values.port; } }
