import 'reflect-metadata';
import { User } from './user';
import { config } from './config';

console.log(User.name, config.port);
