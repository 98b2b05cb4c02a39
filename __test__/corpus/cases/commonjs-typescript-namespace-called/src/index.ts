import * as express from 'express';
import * as get from 'lodash.get';
import * as Clock from 'clock';
import * as path from 'path';
import { config } from './config';

const app = express();
if (new Clock('UTC').zone !== 'UTC' || !(new Clock('x') instanceof Clock)) throw new Error('not constructed');
if (get({ a: 1 }, 'a') !== 1) throw new Error('not called');
console.log(app.name, path.join('a', 'b'), config.port);
