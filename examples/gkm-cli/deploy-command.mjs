// What replaces `workspaceDeployCommand` of the `gkm` command line: the same arguments and the same result, on top of us.

import { createProgressRenderer, deploy, formatError, plan, renderPlan } from '@geekmidas/deploy-native';

/**
 * Deploys a workspace. `cli` has what the command line knows: `credentials` (see {@link credentialsOf}), the `secrets` of
 * the stage, a `stream` to write to, and further fields of the `request` and the `options` of {@link deploy}.
 *
 * Resolves with `{ apps, projectId, successCount, failedCount }` as before; what failed has been written to the stream. What
 * stops a deployment before its first change is thrown, its text as a person reads it.
 */
export async function workspaceDeployCommand(workspace, { provider, stage, tag, apps, dryRun = false }, cli) {
	if (provider !== 'dokploy') throw new Error(`Workspace deployment only supports Dokploy. Got: ${provider}`);
	const { credentials, secrets, stream = process.stdout, options } = cli;
	const given = Object.entries({ tag, apps, secrets }).filter(([, value]) => value !== undefined);
	const fields = Object.fromEntries(given);
	// The command line gives the main front end the bare domain; leave this out for `web.` before it.
	const request = { workspace, stage, credentials, mainFrontendAtApex: true, ...fields, ...cli.request };
	const text = (error) => formatError(error, { style: 'cli', stage, color: stream.isTTY === true });
	if (dryRun) {
		stream.write(renderPlan(await plan(request, options).catch(readable(text))));
		return { apps: [], projectId: '', successCount: 0, failedCount: 0 };
	}
	const progress = createProgressRenderer({ stream });
	try {
		return result(await deploy(request, { ...options, onEvent: progress.onEvent }).finally(progress.end));
	} catch (error) {
		if (error.report === undefined) return readable(text)(error);
		stream.write(text(error));
		return result(error.report, error);
	}
}

/** The login that the command line has stored, what CI gives in variables, and the server that the workspace names. */
export function credentialsOf(workspace, stage, stored = {}, env = process.env) {
	const { endpoint, endpoints = {} } = workspace.deploy?.dokploy ?? {};
	const own = endpoints[stage] ?? endpoint ?? env.DOKPLOY_ENDPOINT ?? stored.dokploy?.endpoint;
	const token = env.DOKPLOY_API_TOKEN ?? env.DOKPLOY_TOKEN ?? stored.dokploy?.token;
	if (token === undefined) throw new Error('Not logged in to Dokploy. Run: gkm login, or set DOKPLOY_API_TOKEN');
	const { DOCKER_REGISTRY_USERNAME: username, DOCKER_REGISTRY_PASSWORD: password, DOCKER_REGISTRY_URL: url } = env;
	const hostinger = env.HOSTINGER_API_TOKEN ?? stored.hostinger?.token;
	const cloudflare = env.CLOUDFLARE_API_TOKEN;
	return {
		dokploy: { token, ...(own && { endpoint: own }) },
		...(username && password && { registry: { username, password, ...(url && { url }) } }),
		...(hostinger && { hostinger: { token: hostinger } }),
		...(cloudflare && { cloudflare: { token: cloudflare } }),
	};
}

/** Throws an error anew, with the text that a person reads. */
const readable = (text) => (error) => {
	throw Object.assign(new Error(text(error).trimEnd(), { cause: error }), { code: error.code });
};

/** The result in the shape of the command line. */
function result({ apps, projectId }, error) {
	const failures = error === undefined ? [] : [error, ...error.errors];
	const of = ({ appName, type, status, applicationId, image, url, reason }) => ({
		appName,
		type,
		success: status !== 'failed' && !failures.some(({ app }) => app === appName),
		...(applicationId && { applicationId }),
		...(image && { imageRef: image }),
		...(url && { url }),
		...(status === 'failed' && { error: reason }),
	});
	const results = apps.filter(({ type }) => type !== 'mobile').map(of);
	const failedCount = results.filter(({ success }) => !success).length;
	// A database, for instance, can fail without any app.
	const failed = error === undefined ? failedCount : Math.max(1, failedCount);
	return { apps: results, projectId, successCount: results.length - failedCount, failedCount: failed };
}
