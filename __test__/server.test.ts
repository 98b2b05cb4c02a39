import { checkServer, createRegistry, listRegistries } from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';
import { failure } from './failure.ts';
import { startWorld } from './world.ts';

async function server() {
	const registries = [{ host: 'registry.test', username: 'ci', password: 'canary' }];
	const { simulator } = await startWorld({ database: false, registries });
	return { simulator, credentials: { endpoint: simulator.url, token: simulator.credentials.dokploy.token } };
}

describe('checkServer', () => {
	it('says version, user and permissions, and changes nothing', async () => {
		const { simulator, credentials } = await server();
		expect(await checkServer(credentials)).toEqual({
			endpoint: credentials.endpoint,
			version: 'v0.30.2',
			user: { id: expect.any(String), email: 'owner@example.test', role: 'owner', organizationId: expect.any(String) },
			permissions: {
				createProjects: true,
				createEnvironments: true,
				createServices: true,
				deleteServices: true,
				seeContainers: true,
				seeQueue: true,
				registries: true,
			},
		});
		expect(simulator.mutations()).toEqual([]);
	});

	it('of a wrong key or an address where nobody answers names the address', async () => {
		const { credentials } = await server();
		const wrong = await failure(checkServer({ ...credentials, token: 'wrong' }));
		expect(wrong).toMatchObject({ code: 'DOKPLOY_UNAUTHORIZED', endpoint: credentials.endpoint });
		const nobody = await failure(checkServer({ endpoint: 'http://127.0.0.1:9', token: 'x' }));
		expect(nobody).toMatchObject({ code: 'DOKPLOY_UNREACHABLE', endpoint: 'http://127.0.0.1:9' });
		expect(nobody.message).toContain('http://127.0.0.1:9');
	});

	it('is cancelled by its signal, and refuses what it does not know', async () => {
		const { credentials } = await server();
		const cancelled = await failure(checkServer(credentials, { signal: AbortSignal.abort() }));
		expect(cancelled.code).toBe('CANCELLED');
		const wrong = await failure(checkServer({ ...credentials, tokn: 'x' } as typeof credentials));
		expect(wrong).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('tokn') });
	});
});

describe('registries', () => {
	it('are made and listed, without their passwords', async () => {
		const { credentials } = await server();
		const login = { url: 'https://registry.test/org', username: 'ci', password: 'canary' };
		const made = await createRegistry(credentials, login);
		expect(made).toMatchObject({ url: 'registry.test', username: 'ci' });
		const listed = await listRegistries(credentials);
		expect(listed).toEqual([made]);
		expect(JSON.stringify(listed)).not.toContain('canary');
	});

	it('that refuse the login are told', async () => {
		const { credentials } = await server();
		const login = { url: 'registry.test', username: 'ci', password: 'wrong-canary' };
		const error = await failure(createRegistry(credentials, login));
		expect(error).toMatchObject({ code: 'IMAGE_REGISTRY', reason: 'login-refused', endpoint: credentials.endpoint });
		expect(`${error.message} ${error.log}`).not.toContain('canary');
		expect(await listRegistries(credentials)).toEqual([]);
	});
});
