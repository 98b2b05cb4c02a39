import { a } from './a';
import { b } from './b.js';
import { c } from './c';
import { d } from './d.mjs';
console.log(a, b, c, d);
