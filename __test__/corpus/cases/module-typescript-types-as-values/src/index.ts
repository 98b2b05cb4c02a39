import 'reflect-metadata';
import { Service } from './service.js';
import { Clock } from './types.js';
import { config } from './config.js';

const types = Reflect.getMetadata('design:paramtypes', Service) as unknown[];
if (types[0] !== Object || types[1] !== Clock) throw new Error('wrong types');
console.log(config.port);
