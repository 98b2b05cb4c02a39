// The public JavaScript: a thin facade over the native addon. Types and documentation are in `index.d.ts`.

import { described, isFormattable, textOf } from './facade/error.js';
import { native } from './facade/native.js';
import { plain, plainFields } from './facade/plain.js';
import { ask, askSync, call, run } from './facade/run.js';

export { automaticVariables, errorCodes } from './facade/constants.js';
export { DeployError } from './facade/error.js';
export { createProgressRenderer } from './facade/progress.js';

export const deploy = (request, options) => run('deploy', request, options);
export const plan = (request, options) => run('plan', request, options);
export const undeploy = (request, options) => run('undeploy', request, options);
export const planUndeploy = (request, options) => run('planUndeploy', request, options);
export const rollback = (request, options) => run('rollback', request, options);
export const planRollback = (request, options) => run('planRollback', request, options);
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

export const checkServer = (server, options) => call('checkServer', [server], options, plainFields);
export const listRegistries = (server, options) => call('listRegistries', [server], options, plainFields);
export const createRegistry = (server, registry, options) =>
	call('createRegistry', [server, registry], options, plainFields);

export const validateWorkspace = (workspace, options = {}) =>
	askSync(() => native().validateWorkspace(plain(workspace), plainFields(options)));
export const stageHosts = (workspace, stage, options = {}) =>
	askSync(() => native().stageHosts(plain(workspace), stage, plainFields(options)));
export const resolveHost = (workspace, app, stage, options = {}) =>
	askSync(() => native().resolveHost(plain(workspace), app, stage, plainFields(options)));
export const publicPrefix = (framework) => native().publicPrefix(framework ?? null);

export const resolveEnv = (requiredVars, context) =>
	askSync(() => native().resolveEnv(plain(requiredVars), plain(context)));

export const renderPlan = (plan) => askSync(() => native().renderPlan(plain(plan)));

export const formatError = (error, options = {}) => {
	if (!isFormattable(error)) return textOf(error);
	return askSync(() => native().formatError(plain(described(error)), plainFields(options)));
};

export const readState = (workspaceRoot, stage) => ask(() => native().readState(workspaceRoot, stage));
export const writeState = async (workspaceRoot, stage, state) => {
	await ask(() => native().writeState(workspaceRoot, stage, plain(state)));
};
