import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serverIp, startWorld, type World } from './world.ts';

const folder = fileURLToPath(new URL('../examples/gkm-cli', import.meta.url));

/** A workspace on a simulated server, a home folder, and the command line in them. */
async function commandLine() {
	const world = await startWorld({ database: false });
	const home = mkdtempSync(join(tmpdir(), 'deploy-native-home-'));
	onTestFinished(() => rmSync(home, { recursive: true, force: true }));
	const config = join(world.root, 'gkm.config.json');
	const workspace = JSON.parse(readFileSync(config, 'utf8'));
	const { api, web } = workspace.apps;
	workspace.apps = {
		api: { ...api, dependencies: [], requiredEnv: ['GREETING'] },
		web: { ...web, dependencies: ['api'], requiredEnv: ['VITE_API_URL'] },
	};
	workspace.services = {};
	delete workspace.deploy.dokploy.endpoint;
	const write = (change: (workspace: { apps: Record<string, unknown> }) => void = () => {}) => {
		change(workspace);
		writeFileSync(config, JSON.stringify(workspace));
	};
	write();
	writeFileSync(join(world.root, 'with.json'), JSON.stringify(withSimulator(world)));
	const gkm = (...args: string[]) => run(world.root, home, args);
	const secrets = (custom: Record<string, string>) => {
		mkdirSync(join(world.root, '.gkm/secrets'), { recursive: true });
		const stored = { stage: 'staging', createdAt: '', updatedAt: '', services: {}, urls: {}, custom };
		writeFileSync(join(world.root, '.gkm/secrets/staging.json'), JSON.stringify(stored));
	};
	const login = () => gkm('login', '--endpoint', world.simulator.url, '--token', world.simulator.token);
	return { ...world, home, gkm, secrets, login, write };
}

/** What is different on this machine: the simulated DNS, and images that are there already. */
function withSimulator({ simulator }: World) {
	const { dokploy: _, ...credentials } = simulator.credentials;
	const image = (app: string) => `registry.test/shop-${app}@sha256:${'a'.repeat(64)}`;
	const images = { api: image('api'), web: image('web') };
	return {
		credentials,
		request: { images, serverIp, stabilitySeconds: 0, dnsTimeoutSeconds: 20 },
		options: { surroundings: simulator.surroundings },
	};
}

function run(cwd: string, HOME: string, args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
	const env = { PATH: process.env['PATH'], HOME };
	return new Promise((resolve) => {
		execFile(process.execPath, [join(folder, 'gkm.mjs'), ...args], { cwd, env }, (error, stdout, stderr) => {
			resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr });
		});
	});
}

const deploy = ['deploy', '--provider', 'dokploy', '--stage', 'staging', '--with', 'with.json'];

describe('the command line', () => {
	it('logs in, says who one is, and keeps the key to itself', async () => {
		const { gkm, login, home, simulator } = await commandLine();
		const { token } = simulator;
		const out = await login();
		expect(out).toEqual({ code: 0, stderr: '', stdout: 'Logged in to Dokploy v0.30.2 as owner@example.test\n' });
		expect(statSync(join(home, '.gkm/credentials.json')).mode & 0o777).toBe(0o600);
		const who = await gkm('whoami');
		expect(who.stdout).toMatch(/^owner@example\.test, owner, on http:\/\/127\.0\.0\.1:\d+ \(Dokploy v0\.30\.2\)\n$/);
		expect((await gkm('registries')).code).toBe(0);
		const wrong = await gkm('login', '--endpoint', 'http://127.0.0.1:9', '--token', token);
		expect(wrong.code).toBe(1);
		expect(wrong.stderr).toContain('http://127.0.0.1:9');
		expect(wrong.stderr).not.toContain(token);
	});

	it('deploys a workspace, shows it, and finds nothing to do the second time', async () => {
		const { gkm, login, secrets, simulator } = await commandLine();
		await login();
		secrets({ GREETING: 'hello' });
		const planned = await gkm(...deploy, '--dry-run');
		expect(planned.stdout).toMatch(/^Plan for stage staging: \d+ changes\n/);
		expect(simulator.mutations()).toEqual([]);
		const first = await gkm(...deploy);
		expect(first).toMatchObject({ code: 0, stderr: '' });
		expect(first.stdout).toContain('api  ✓ Deployed api');
		expect(first.stdout).not.toContain('\x1b');
		// The main front end has the bare domain, as the CLI gives it.
		const domains = simulator.snapshot()['domains'] as { host: string }[];
		expect(domains.map(({ host }) => host).sort()).toEqual([
			'api.staging.example.com',
			'staging.example.com',
		]);
		const mutations = simulator.mutations().length;
		expect((await gkm(...deploy)).code).toBe(0);
		expect(simulator.mutations()).toHaveLength(mutations);
	});

	it('says what is missing with its own commands, before anything is done', async () => {
		const { gkm, login, simulator } = await commandLine();
		await login();
		const { code, stderr } = await gkm(...deploy);
		expect(code).toBe(1);
		expect(stderr).toContain('Deployment failed: api is missing env vars: GREETING');
		expect(stderr).toContain('\n  gkm secrets:set GREETING <value> --stage staging\n');
		expect(simulator.mutations()).toEqual([]);
	});

	it('ends with 1 when an app fails, and says which and why', async () => {
		const { gkm, login, secrets, simulator } = await commandLine();
		await login();
		secrets({ GREETING: 'hello' });
		simulator.fault({ endpoint: 'application.deploy', nth: 1, action: { kind: 'fail', status: 400 } });
		const { code, stdout } = await gkm(...deploy);
		expect(code).toBe(1);
		expect(stdout).toMatch(/✗ (api|web): /);
	});

	it('lists the faults of a workspace, and refuses other providers', async () => {
		const { gkm, login, write } = await commandLine();
		await login();
		const other = await gkm('deploy', '--provider', 'docker', '--stage', 'staging');
		expect(other.stderr).toContain('Workspace deployment only supports Dokploy. Got: docker');
		write(({ apps }) => {
			apps['api'] = { path: '../..', port: 0 };
		});
		const { code, stderr } = await gkm(...deploy);
		expect(code).toBe(1);
		expect(stderr).toMatch(/^Workspace configuration validation failed:\n {2}- apps\.api\.path: .*\n {2}- apps\.api\.port: /);
	});
});

it('the adapter is no longer than 80 lines', () => {
	const lines = readFileSync(join(folder, 'deploy-command.mjs'), 'utf8').trimEnd().split('\n');
	expect(lines.length).toBeLessThanOrEqual(80);
});
