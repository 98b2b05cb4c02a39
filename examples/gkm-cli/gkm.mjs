#!/usr/bin/env node
// A small command line around `deploy-command.mjs`: what of `gkm` has to do with a server.
//
//   gkm login --endpoint URL --token KEY        gkm whoami        gkm registries
//   gkm deploy --provider dokploy --stage S [--tag T] [--apps a,b] [--dry-run] [--with FILE]
//
// `--with` names a JSON file with further fields: `{ "request": { "images": … }, "options": { … } }`.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkServer, DeployError, formatError, listRegistries, validateWorkspace } from '@geekmidas/deploy-native';
import { credentialsOf, workspaceDeployCommand } from './deploy-command.mjs';

const text = { type: 'string' };
const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		provider: text,
		stage: text,
		tag: text,
		apps: text,
		with: text,
		endpoint: text,
		token: text,
		'dry-run': { type: 'boolean' },
	},
});
const folder = join(homedir(), '.gkm');
const stored = read(join(folder, 'credentials.json')) ?? {};
const { stdout, stderr } = process;
const controller = new AbortController();
process.once('SIGINT', () => controller.abort(new Error('Interrupted')));

const commands = { login, whoami, registries, deploy };

try {
	const command = commands[positionals[0] ?? ''];
	if (command === undefined) throw new Error(`Commands: ${Object.keys(commands).join(', ')}`);
	process.exitCode = (await command()) ?? 0;
} catch (error) {
	// What the adapter throws reads well already.
	const color = stderr.isTTY === true;
	stderr.write(error instanceof DeployError ? formatError(error, { style: 'cli', color }) : `${error.message}\n`);
	process.exitCode = 1;
}

/** Stores a login that works. */
async function login() {
	const given = { endpoint: values.endpoint ?? '', token: values.token ?? '' };
	const { version, user } = await checkServer(given);
	const dokploy = { ...stored.dokploy, ...given, storedAt: new Date().toISOString() };
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	writeFileSync(join(folder, 'credentials.json'), JSON.stringify({ ...stored, dokploy }, null, 2), { mode: 0o600 });
	stdout.write(`Logged in to Dokploy ${version} as ${user.email}\n`);
}

async function whoami() {
	const { endpoint, version, user, permissions } = await checkServer(server());
	stdout.write(`${user.email}, ${user.role}, on ${endpoint} (Dokploy ${version})\n`);
	const lacking = Object.keys(permissions).filter((name) => !permissions[name]);
	if (lacking.length > 0) stdout.write(`May not: ${lacking.join(', ')}\n`);
}

async function registries() {
	for (const { registryId, name, url, username } of await listRegistries(server())) {
		stdout.write(`${registryId}  ${name}  ${username}@${url}\n`);
	}
}

async function deploy() {
	const root = process.cwd();
	const workspace = { ...read(join(root, 'gkm.config.json')), root };
	const { stage = 'production', provider, tag, apps } = values;
	const { faults } = validateWorkspace(workspace, { stage });
	if (faults.length > 0) {
		const lines = faults.map(({ path, message }) => `  - ${path}: ${message}\n`);
		stderr.write(`Workspace configuration validation failed:\n${lines.join('')}`);
		return 1;
	}
	const more = values.with === undefined ? {} : read(values.with);
	const { failedCount } = await workspaceDeployCommand(
		workspace,
		{ provider, stage, tag, apps: apps?.split(','), dryRun: values['dry-run'] },
		{
			credentials: { ...credentialsOf(workspace, stage, stored), ...more?.credentials },
			secrets: read(join(root, `.gkm/secrets/${stage}.json`)),
			request: more?.request,
			options: { ...more?.options, signal: controller.signal },
		},
	);
	return failedCount === 0 ? 0 : 1;
}

/** The server that one is logged in to. */
function server() {
	if (stored.dokploy === undefined) throw new Error('Not logged in to Dokploy. Run: gkm login');
	const { endpoint, token } = stored.dokploy;
	return { endpoint, token };
}

/** What a JSON file holds; `undefined` where there is none. */
function read(path) {
	return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}
