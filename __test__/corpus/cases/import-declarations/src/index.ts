import './global';
import { Repository } from './types';
import { config } from './config';

const inject = (): ParameterDecorator => () => {};
class Service { constructor(@inject() readonly repository: Repository) {} }
console.log(Service.name, config.port);
