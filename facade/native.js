// The native side of this package, as `binding.d.ts` describes it.

import { addon } from './addon.js';
import { platforms, version } from './constants.js';
import { own } from './place.js';

/** @type {() => typeof import('../binding.js')} */
export const native = addon({ packageName: own, version, platforms });
