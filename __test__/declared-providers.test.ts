import { deploy, type DnsRecord, plan, type State } from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';
import { failure } from './failure.ts';
import { oneApp, startWorld } from './world.ts';

/** Providers as a workspace of the CLI declares them: objects, whose methods need their `this`. */
class OwnState {
	readonly kept = new Map<string, State>();
	async read(stage: string) {
		return this.kept.get(stage) ?? null;
	}
	async write(stage: string, state: State) {
		this.kept.set(stage, structuredClone(state));
	}
}

class OwnDns {
	readonly name = 'own';
	readonly written: string[] = [];
	async getRecords(): Promise<DnsRecord[]> {
		return [];
	}
	async upsertRecords(domain: string, records: { name: string }[]) {
		this.written.push(...records.map(({ name }) => `${name}.${domain}`));
		return records.map(() => ({ created: true, unchanged: false }));
	}
	async deleteRecords() {}
}

async function declared(dns: (provider: unknown) => unknown) {
	const world = await startWorld({ database: false });
	const [state, provider] = [new OwnState(), new OwnDns()];
	const request = oneApp(world);
	const { deploy: settings } = request.workspace;
	const workspace = {
		...request.workspace,
		state: { provider: state },
		deploy: { ...settings, dns: dns(provider) },
	} as typeof request.workspace;
	const images = { api: 'registry.test/shop/api:1' };
	return { world, state, provider, request: { ...request, workspace, images, dnsTimeoutSeconds: 0 } };
}

describe('providers that are objects in the workspace', () => {
	it.each([
		['by domain', (provider: unknown) => ({ 'example.com': { provider } })],
		['in the older form', (provider: unknown) => ({ provider, domain: 'example.com' })],
	])('are used, %s', async (_form, dns) => {
		const { world, state, provider, request } = await declared(dns);
		await deploy(request, world.options());
		expect(provider.written).toEqual(['api.staging.example.com']);
		expect(state.kept.get('staging')?.applications.api).toBeTruthy();
	});

	it('give way to those of the options', async () => {
		const { world, state, provider, request } = await declared((own) => ({ 'example.com': { provider: own } }));
		const [otherState, otherDns] = [new OwnState(), new OwnDns()];
		const options = { stateProvider: otherState, dnsProviders: { 'example.com': otherDns } };
		await deploy(request, world.options(options));
		expect([provider.written, [...state.kept]]).toEqual([[], []]);
		expect([otherDns.written.length, otherState.kept.size]).toEqual([1, 1]);
	});

	it('that lack a method are refused by its path', async () => {
		const { world, request } = await declared(() => ({ 'example.com': { provider: { getRecords() {} } } }));
		const error = await failure(plan(request, world.options()));
		expect(error).toMatchObject({ code: 'INVALID_REQUEST' });
		expect(error.message).toContain('workspace.deploy.dns.example.com.provider.upsertRecords: expected a function');
	});
});
