import settings, { config, Kind, type Shape } from '@shop/config';
import * as everything from '@shop/config';
import { z } from '@shop/config';

const shape: Shape = { port: config.port };
if (settings.name !== 'settings' || everything.config !== config || Kind.A !== 'a' || z.string().parse('x') !== 'x') throw new Error('wrong exports');
console.log(shape);
