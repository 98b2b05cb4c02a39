import 'reflect-metadata';
import { container } from 'tsyringe';
import { Server } from './server';

console.log(container.resolve(Server).port());
