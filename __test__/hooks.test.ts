import {
	deploy,
	type DnsProvider,
	type DnsRecord,
	type ImageBuild,
	readState,
	type State,
	undeploy,
} from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';
import { failure } from './failure.ts';
import { oneApp, serverIp, startWorld } from './world.ts';

/** A provider that keeps its records here. */
class OwnDns implements DnsProvider {
	readonly name = 'own';
	readonly calls: unknown[][] = [];

	constructor(readonly zones: Record<string, DnsRecord[]>) {}

	async getRecords(domain: string): Promise<DnsRecord[]> {
		return this.zones[domain] ?? [];
	}
	async upsertRecords(domain: string, records: Parameters<DnsProvider['upsertRecords']>[1]) {
		this.calls.push(['upsert', domain, records]);
		const kept = this.zones[domain] ?? [];
		this.zones[domain] = [
			...kept.filter((old) => !records.some(({ name, type }) => name === old.name && type === old.type)),
			...records.map(({ name, type, ttl, value }) => ({ name, type, ttl, values: [value] })),
		];
		return records.map(() => ({ created: true, unchanged: false }));
	}
	async deleteRecords(): Promise<void> {
		throw new Error('nothing is deleted here');
	}
}

describe('stateProvider', () => {
	it('keeps the state instead of the file', async () => {
		const world = await startWorld({ database: false });
		const kept = new Map<string, State>();
		const stateProvider = {
			read: async (stage: string) => kept.get(stage) ?? null,
			write: async (stage: string, state: State) => void kept.set(stage, structuredClone(state)),
		};
		const images = { api: 'registry.test/shop/api:1' };
		await deploy({ ...oneApp(world), images }, world.options({ stateProvider }));
		expect(kept.get('staging')?.applications.api).toBeTruthy();
		const mutations = world.simulator.mutations().length;
		const again = await deploy({ ...oneApp(world), images }, world.options({ stateProvider }));
		expect(again.changes).toBe(0);
		expect(world.simulator.mutations()).toHaveLength(mutations);
	});

	it('that throws is HOOK_FAILED with what it threw as the cause', async () => {
		const { request, options } = await startWorld({ database: false });
		const thrown = new Error('no network to the parameter store');
		const stateProvider = {
			read: async () => {
				throw thrown;
			},
			write: async () => {},
		};
		const error = await failure(deploy(request(), options({ stateProvider })));
		expect(error).toMatchObject({ code: 'HOOK_FAILED', resource: 'stateProvider.read', cause: thrown });
		expect(error.message).toContain(thrown.message);
	});

	it('i5_that_returns_no_state_is_STATE_CORRUPT_and_its_content_stays_out_of_the_error', async () => {
		const { request, options } = await startWorld({ database: false });
		const kept = { provider: 'dokploy', stage: 'staging', appCredentials: { auth: 'canary-of-a-password' } };
		const stateProvider = { read: async () => kept as unknown as State, write: async () => {} };
		const error = await failure(deploy(request(), options({ stateProvider })));
		expect(error.code).toBe('STATE_CORRUPT');
		expect(error.message).toContain('appCredentials');
		expect(error.message).not.toContain('canary');
	});
});

describe('dnsProviders', () => {
	it('serve their root domain in place of the built-in ones', async () => {
		const world = await startWorld({ database: false });
		const own = new OwnDns({ 'example.com': [] });
		const images = { api: 'registry.test/shop/api:1' };
		const report = await deploy(
			{ ...oneApp(world), images, dnsTimeoutSeconds: 0 },
			world.options({ dnsProviders: { 'example.com': own } }),
		);
		expect(report.dns.hosts).toMatchObject([{ host: 'api.staging.example.com', record: 'created' }]);
		const wanted = { name: 'api.staging', type: 'A', ttl: 300, value: serverIp, values: [serverIp] };
		expect(own.calls).toEqual([['upsert', 'example.com', [wanted]]]);
		expect(world.simulator.dns?.requests()).toEqual([]);
	});

	it.each<[string, unknown, boolean]>([
		['says that it failed', [{ deleted: false, notFound: false, error: 'zone is locked' }], false],
		['says so without a reason', [{ deleted: false }], false],
		['says that the record is gone already', [{ deleted: false, notFound: true }], true],
		['says that it deleted it', [{ deleted: true, notFound: false }], true],
		['says nothing', undefined, true],
	])('whose deletion %s is taken at its word', async (_name, answer, succeeds) => {
		const world = await startWorld({ database: false });
		const own = new OwnDns({ 'example.com': [] });
		own.deleteRecords = async () => answer as undefined;
		const options = world.options({ dnsProviders: { 'example.com': own } });
		const { workspace, stage, credentials, ...rest } = oneApp(world);
		const images = { api: 'registry.test/shop/api:1' };
		await deploy({ workspace, stage, credentials, ...rest, images, dnsTimeoutSeconds: 0 }, options);
		const removal = undeploy({ workspace, stage, credentials }, options);
		if (succeeds) await removal;
		else {
			const error = await failure(removal);
			expect(error).toMatchObject({ code: 'HOOK_FAILED', resource: 'dnsProviders.example.com.deleteRecords' });
			expect(error.message).toContain('api.staging A');
		}
		const records = Object.keys((await readState(world.root, 'staging'))?.dnsRecords ?? {});
		expect(records).toHaveLength(succeeds ? 0 : 1);
	});
});

describe('buildImage', () => {
	it('is given what to build, and what it returns is deployed', async () => {
		const world = await startWorld({ database: false });
		const builds: ImageBuild[] = [];
		const image = `registry.test/shop/api@sha256:${'a'.repeat(64)}`;
		const hooks = {
			buildImage: async (build: ImageBuild) => {
				builds.push(build);
				return { image };
			},
			imageFingerprint: async () => 'the same as ever',
		};
		await deploy(oneApp(world), world.options(hooks));
		expect(builds).toMatchObject([{ app: 'api', context: world.root, platform: 'linux/amd64', buildArgs: {} }]);
		expect(JSON.stringify(world.simulator.snapshot())).toContain(image);
		const again = await deploy(oneApp(world), world.options(hooks));
		expect(again.changes).toBe(0);
		expect(builds).toHaveLength(1);
	});

	it('i6_whose_failure_quotes_a_secret_has_it_hidden_in_the_error_and_the_events', async () => {
		const world = await startWorld({ database: false });
		const request = { ...oneApp(world), secrets: { shared: { GREETING: 'canary-of-a-secret' } } };
		request.workspace.apps.api!.requiredEnv = ['GREETING'];
		const events: unknown[] = [];
		const buildImage = () => Promise.reject(new Error('docker build --build-arg GREETING=canary-of-a-secret failed'));
		const onEvent = (event: unknown) => void events.push(event);
		const options = world.options({ buildImage, imageFingerprint: async () => 'same', onEvent });
		const error = await failure(deploy(request, options));
		expect(error.code).toBe('HOOK_FAILED');
		expect(error.message).toContain('--build-arg GREETING=***');
		expect(JSON.stringify([error, error.report, events])).not.toContain('canary');
		expect(JSON.stringify(events)).toContain('GREETING=***');
	});

	it.each<[string, () => Promise<unknown>, RegExp]>([
		['rejects', () => Promise.reject(new Error('the builder is out of disk')), /out of disk/],
		['rejects with no error', () => Promise.reject('just text'), /just text/],
		['returns something else', async () => 'registry.test/shop/api:1', /documented shape/],
	])('that %s is HOOK_FAILED and names the app', async (_name, buildImage, message) => {
		const world = await startWorld({ database: false });
		const hook = buildImage as () => Promise<{ image: string }>;
		const error = await failure(deploy(oneApp(world), world.options({ buildImage: hook })));
		expect(error).toMatchObject({ code: 'HOOK_FAILED', app: 'api', resource: 'buildImage' });
		expect(error.message).toMatch(message);
	});
});
