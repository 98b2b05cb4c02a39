// The public JavaScript: a thin facade over the generated `binding.js`. Types and documentation are in `index.d.ts`.

import * as native from './binding.js';
import { run } from './facade/run.js';

export { DeployError } from './facade/error.js';

export const deploy = (request, options) => run(native.runDeploy, request, options);
export const plan = (request, options) => run(native.runPlan, request, options);
export const undeploy = (request, options) => run(native.runUndeploy, request, options);

export const errorCodes = Object.freeze(native.errorCodes());
