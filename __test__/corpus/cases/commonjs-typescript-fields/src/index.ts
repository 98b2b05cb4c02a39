import { config } from './config';

class Base { [key: string]: unknown; constructor(values: object) { Object.assign(this, values); } }
class User extends Base { name?: string; }
if (new User({ name: 'x' }).name !== 'x') throw new Error('the field was defined again');
console.log(config.port);
