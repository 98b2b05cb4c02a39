import 'reflect-metadata';
import { config } from '@/config';
import { Clock } from '@/clock';

const mark = (): ClassDecorator => () => {};
@mark()
class App { constructor(readonly clock: Clock) {} }
if ((Reflect.getMetadata('design:paramtypes', App) as unknown[])[0] !== Clock) throw new Error('no metadata');
console.log(config.port);
