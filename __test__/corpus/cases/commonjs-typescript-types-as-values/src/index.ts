import 'reflect-metadata';
import { Service } from './service';
import { config } from './config';

const types = Reflect.getMetadata('design:paramtypes', Service) as unknown[];
if (types[0] !== Object) throw new Error('an interface is an Object');
console.log(Service.name, config.port);
