// The public JavaScript: a thin facade over the native addon. Types and documentation are in `index.d.ts`.

import { native } from './facade/native.js';
import { plain } from './facade/plain.js';
import { ask, askSync, call, run } from './facade/run.js';

export { errorCodes } from './facade/constants.js';
export { DeployError } from './facade/error.js';

export const deploy = (request, options) => run('deploy', request, options);
export const plan = (request, options) => run('plan', request, options);
export const undeploy = (request, options) => run('undeploy', request, options);
export const planUndeploy = (request, options) => run('planUndeploy', request, options);
export const rotateCredentials = (request, options) => run('rotateCredentials', request, options);
export const planRotateCredentials = (request, options) => run('planRotateCredentials', request, options);
export const verifyDns = (request, options) => run('verifyDns', request, options);
export const verifyIsolation = (request, options) => run('verifyIsolation', request, options);
export const provisionServices = (request, options) => run('provisionServices', request, options);
export const initializePostgresUsers = (request, options) => run('initializePostgresUsers', request, options);

export const sniffEntryFile = (entryPath, appPath, workspacePath, options) =>
	call('sniffEntryFile', [entryPath, appPath, workspacePath], options);
export const sniffApp = (app, appName, workspacePath, options) =>
	call('sniffApp', [app, appName, workspacePath], options);
export const sniffAllApps = (apps, workspacePath, options) => call('sniffAllApps', [apps, workspacePath], options);

export const resolveEnv = (requiredVars, context) =>
	askSync(() => native().resolveEnv(plain(requiredVars), plain(context)));

export const renderPlan = (plan) => askSync(() => native().renderPlan(plain(plan)));

export const readState = (workspaceRoot, stage) => ask(() => native().readState(workspaceRoot, stage));
export const writeState = async (workspaceRoot, stage, state) => {
	await ask(() => native().writeState(workspaceRoot, stage, plain(state)));
};
