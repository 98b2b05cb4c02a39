// Deploys examples/multi-auth to a simulated Dokploy server, twice, and shows what happens.
//
//   npm run demo            needs Node.js and Rust, and nothing that was installed before
//
// The server, its DNS vendor and its databases are doubles on this machine; the PostgreSQL behind them is a real one,
// and every request, DNS question and SQL statement is real. There is no Docker in it: images come from a hook.

import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root as packageRoot } from './addons.mjs';
import { bold, cyan, dim, green, heading, print, red, seconds, table, yellow } from './demo/screen.mjs';
import { setup } from './setup.mjs';

const STAGE = 'staging';
const SERVER_IP = '192.0.2.10';

await setup();
const { createProgressRenderer, deploy, formatError, plan, readState, DeployError } = await import('../index.js');
const { startSimulator } = await import('../simulator/index.js');
const { tryIsolation } = await import('./demo/isolation.mjs');

const controller = new AbortController();
process.once('SIGINT', () => controller.abort());

const root = copyExample();
const workspace = { ...JSON.parse(readFileSync(join(root, 'gkm.config.json'), 'utf8')), root };
const simulator = await startSimulator({ dns: { zones: ['example.com'] }, ip: SERVER_IP, timeScale: 0.1 });
const request = {
	workspace,
	stage: STAGE,
	credentials: simulator.credentials,
	serverIp: SERVER_IP,
	stabilitySeconds: 1,
};
const options = {
	signal: controller.signal,
	surroundings: simulator.surroundings,
	buildImage: async ({ app, reference }) => {
		await sleep(400);
		return { image: `${reference.replace(/:[^:/]*$/, '')}@sha256:${fingerprint(app)}` };
	},
	imageFingerprint: async (app) => fingerprint(app),
};

try {
	print(`\n${bold('deploy-native')}  ${dim(`a workspace of ${Object.keys(workspace.apps).length} apps, stage ${STAGE}`)}`);
	table([
		[dim('Dokploy'), `${simulator.url}  ${dim('simulated, version 0.30.2')}`],
		[dim('Database'), `PostgreSQL 18  ${dim('real, behind a port that opens and closes')}`],
		[dim('DNS'), `example.com  ${dim(`served by ${simulator.dns.resolver}, written through a double of Cloudflare`)}`],
		[dim('Workspace'), root],
	]);

	await showPlan();
	await showDeployment();
	await showEnvironments();
	await showState();
	await showIsolation();
	await showSecondRun();
	print();
} catch (error) {
	if (!(error instanceof DeployError)) throw error;
	print(`\n${formatError(error, { color: process.stdout.isTTY })}`);
	process.exitCode = 1;
} finally {
	await simulator.stop();
	rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

async function showPlan() {
	const sniffed = [];
	let text = '';
	await plan(request, {
		...options,
		onEvent: (event) => {
			if (event.type === 'app-sniffed') sniffed.push([bold(event.app), event.required.join(' ')]);
			if (event.type === 'planned') text = event.text;
		},
	});
	heading('What each app needs, found by running its entry in a process of its own');
	table(sniffed);
	heading('The plan');
	const colours = { '+': green, '~': yellow, '-': red, '!': dim };
	for (const line of text.trimEnd().split('\n')) print(`  ${(colours[line.trim()[0]] ?? String)(line)}`);
}

async function showDeployment() {
	heading('Deploying');
	const progress = createProgressRenderer();
	const report = await deploy(request, { ...options, onEvent: progress.onEvent }).finally(progress.end);
	heading(`What runs where, after ${seconds(report.durationMs)}`);
	table(
		report.apps.map(({ appName, status, url, domain }) => [
			status === 'running' ? green('✓') : yellow('·'),
			bold(appName),
			status,
			cyan(url ?? ''),
			dim(`domain ${domain}`),
		]),
	);
}

async function showEnvironments() {
	heading('What the containers were given (secrets masked)');
	const hide = await secretsOf();
	const { services } = simulator.snapshot();
	for (const app of Object.keys(workspace.apps)) {
		const own = new RegExp(`^${workspace.name}-${app}-[a-z0-9]{6}$`);
		const { name, runs } = services.find((service) => own.test(service.name));
		print(`  ${bold(app)} ${dim(name)}`);
		for (const line of runs[0].env) print(`      ${hide(line)}`);
	}
}

async function showState() {
	heading(`What is remembered: .gkm/deploy-${STAGE}.json (secrets masked)`);
	const hide = await secretsOf();
	const { deployNative, dnsRecords, ...state } = await readState(root, STAGE);
	for (const line of JSON.stringify(state, null, 2).split('\n')) print(`  ${hide(line)}`);
	print(dim(`  … and ${Object.keys(dnsRecords).length} DNS records, and what was verified running`));
}

async function showIsolation() {
	heading('Can auth read the tables of admin-auth? Tried on the database, with their own passwords');
	const { appCredentials } = await readState(root, STAGE);
	const [database] = simulator.snapshot().postgres;
	const address = await simulator.databaseAddress(database.appName);
	const isolated = await tryIsolation(address, database.databaseName, appCredentials);
	print(isolated ? `\n  ${green('✓ It cannot')}` : `\n  ${red('✗ It can')}`);
	print(dim(`  The database's port on the server: ${database.externalPort === null ? 'closed' : database.externalPort}`));
	if (!isolated || database.externalPort !== null) process.exitCode = 1;
}

async function showSecondRun() {
	heading('The same again');
	const writes = () => simulator.dns.requests().filter(({ method }) => method !== 'GET').length;
	const before = { dokploy: simulator.mutations().length, dns: writes(), requests: simulator.requests().length };
	const report = await deploy(request, options);
	const made = { dokploy: simulator.mutations().length - before.dokploy, dns: writes() - before.dns };
	table([
		['changes', report.changes],
		['writes to Dokploy', `${made.dokploy} ${dim(`of ${simulator.requests().length - before.requests} requests`)}`],
		['writes to DNS', made.dns],
		['took', seconds(report.durationMs)],
	]);
	const nothing = report.changes + made.dokploy + made.dns === 0;
	print(nothing ? `\n  ${green('✓ Nothing had to change')}` : `\n  ${red('✗ Something changed')}`);
	if (!nothing) process.exitCode = 1;
}

/** A function that hides every secret of the state, and every password in an address. */
async function secretsOf() {
	const { appCredentials, generatedSecrets } = await readState(root, STAGE);
	const secrets = [
		...Object.values(appCredentials).map(({ dbPassword }) => dbPassword),
		...Object.values(generatedSecrets).flatMap((values) => Object.values(values)),
	];
	return (line) =>
		secrets
			.reduce((text, secret) => text.replaceAll(secret, '••••••••'), line)
			.replace(/(:\/\/[^:]*:)[^@•]+@/, '$1••••••••@');
}

/** A copy to deploy from, so that nothing is written into the example itself. */
function copyExample() {
	const example = join(packageRoot, 'examples/multi-auth');
	const copy = mkdtempSync(join(tmpdir(), 'deploy-native-demo-'));
	cpSync(example, copy, { recursive: true, filter: (path) => !path.includes('node_modules') });
	symlinkSync(join(example, 'node_modules'), join(copy, 'node_modules'));
	return copy;
}

/** A digest over what an app's image is made of. */
function fingerprint(app) {
	const hash = createHash('sha256');
	const folder = join(root, workspace.apps[app].path);
	for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
		if (entry.isFile()) hash.update(entry.name).update(readFileSync(join(entry.parentPath ?? entry.path, entry.name)));
	}
	return hash.update(readFileSync(join(root, `.gkm/docker/Dockerfile.${app}`))).digest('hex');
}
