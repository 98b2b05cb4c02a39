import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ApplyOptions, DeployRequest, NormalizedWorkspace } from '@geekmidas/deploy-native';
import { type Simulator, type SimulatorOptions, startSimulator } from '@geekmidas/deploy-native/testing';
import { onTestFinished } from 'vitest';

/** Where the records of the tests point to. */
export const serverIp = '192.0.2.10';

const example = fileURLToPath(new URL('../examples/multi-auth', import.meta.url));

/** A simulated server with its DNS, a copy of the example workspace, and what a request and its options then are. */
export interface World {
	simulator: Simulator;
	root: string;
	request(overrides?: Partial<DeployRequest>): DeployRequest;
	options(overrides?: ApplyOptions): ApplyOptions;
}

/** Starts a world that ends with the test. */
export async function startWorld(options: SimulatorOptions = {}): Promise<World> {
	const simulator = await startSimulator({ dns: { zones: ['example.com'] }, ...options });
	const root = copyExample();
	onTestFinished(async () => {
		await simulator.stop();
		await remove(root);
	});
	const workspace: NormalizedWorkspace = {
		...(JSON.parse(readFileSync(join(root, 'gkm.config.json'), 'utf8')) as Omit<NormalizedWorkspace, 'root'>),
		root,
	};
	return {
		simulator,
		root,
		request: (overrides) => ({
			workspace,
			stage: 'staging',
			credentials: simulator.credentials,
			images: Object.fromEntries(Object.keys(workspace.apps).map((app) => [app, `registry.test/shop/${app}:1`])),
			serverIp,
			stabilitySeconds: 0,
			dnsTimeoutSeconds: 20,
			...overrides,
		}),
		options: (overrides) => ({ surroundings: simulator.surroundings, ...overrides }),
	};
}

/** Removes a folder into which a cancelled run may still be writing what it did. */
async function remove(folder: string, attempts = 20): Promise<void> {
	try {
		rmSync(folder, { recursive: true, force: true });
	} catch (error) {
		if (attempts === 0) throw error;
		await setTimeout(100);
		await remove(folder, attempts - 1);
	}
}

/** Copies the example workspace; its packages are the original's. */
function copyExample(): string {
	const root = mkdtempSync(join(tmpdir(), 'deploy-native-'));
	cpSync(example, root, { recursive: true, filter: (path) => !path.includes('node_modules') });
	symlinkSync(join(example, 'node_modules'), join(root, 'node_modules'));
	return root;
}

/** A request for one app that needs nothing and is built, not given: what a hook is called for. */
export function oneApp(world: World): DeployRequest {
	const { workspace, ...request } = world.request();
	const { api } = workspace.apps;
	if (api === undefined) throw new Error('the example has an api');
	return {
		...request,
		workspace: { ...workspace, services: {}, apps: { api: { ...api, requiredEnv: ['PORT'] } } },
		images: {},
	};
}
