import { Box, Level, Mode, Tools, make } from './kinds';
import Anonymous, { add, total } from './counter';
import { config } from './config';

add();
Tools.Deep.grow();
const live = total === 1 && Tools.Deep.count === 2;
if (!live || Level.High !== 5 || Mode.On !== 'on' || make('a') !== 1 || new Box(1).value !== 1 || Box.count !== 1) throw new Error('not as tsc makes it');
if (new Anonymous().name !== 'anonymous') throw new Error('no default');
console.log(Tools.twice(2), config.port);
