import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deploy, type NormalizedWorkspace, plan } from '@geekmidas/deploy-native';
import { expect, it } from 'vitest';
import { failure } from './failure.ts';
import { oneApp, startWorld } from './world.ts';

/** A line of the file, as far as it is looked at. */
interface Line {
	fields: { message: string };
	span: { name: string; [field: string]: unknown };
	spans: { name: string }[];
}

it('a traced run writes what it does, with statuses and durations, and no secret', async () => {
	const world = await startWorld();
	const trace = join(world.root, 'trace.ndjson');
	const secrets = { shared: { STRIPE_KEY: 'canary-of-the-user' } };
	const { workspace, ...rest } = oneApp(world);
	const api = { ...workspace.apps.api, requiredEnv: ['PORT', 'DATABASE_URL', 'STRIPE_KEY'] } as NormalizedWorkspace['apps'][string];
	const images = { api: 'registry.test/shop/api:1' };
	const request = { ...rest, workspace: { ...workspace, services: { db: true }, apps: { api } }, images, secrets };
	await deploy(request, world.options({ trace }));
	const text = readFileSync(trace, 'utf8');
	const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line) as Line);
	const ended = lines.filter((line) => line.fields.message === 'close');
	const of = (name: string) => ended.filter((line) => line.span.name === name).map((line) => line.span);

	expect(of('run')).toMatchObject([{ command: 'deploy', stage: 'staging', duration_ms: expect.any(Number) }]);
	expect(of('phase').map((span) => span.phase)).toEqual(expect.arrayContaining(['sniff', 'observe', 'plan']));
	expect(of('step').map((span) => span.step)).toContain('app:api:deploy');
	const created = ended.find((line) => line.span.endpoint === 'application.create');
	expect(created?.span).toMatchObject({ service: 'dokploy', method: 'POST', status: 200, duration_ms: expect.any(Number) });
	expect(created?.spans.map((span) => span.name)).toEqual(['run', 'step']);
	expect(of('request').some((span) => span.service !== 'dokploy')).toBe(true);

	const state = readFileSync(join(world.root, '.gkm/deploy-staging.json'), 'utf8');
	const passwords = [...state.matchAll(/"(?:dbPassword|postgres|password)":\s*"([^"]+)"/g)].map(([, value]) => value ?? '');
	expect(passwords.length).toBeGreaterThan(0);
	for (const secret of [world.simulator.credentials.dokploy.token, 'canary-of-the-user', ...passwords]) {
		expect(text).not.toContain(secret);
	}
});

it('a failed run says its code, and lines of several runs follow one another', async () => {
	const world = await startWorld({ database: false });
	const trace = join(world.root, 'trace.ndjson');
	const images = { api: 'registry.test/shop/api:1' };
	await plan({ ...oneApp(world), images }, world.options({ trace }));
	const credentials = { ...world.simulator.credentials, dokploy: { ...world.simulator.credentials.dokploy, token: 'no' } };
	await failure(plan({ ...oneApp(world), images, credentials }, world.options({ trace })));
	const lines = readFileSync(trace, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Line);
	const runs = lines.filter((line) => line.fields.message === 'close' && line.span.name === 'run');
	expect(runs.map((line) => line.span.code)).toEqual([undefined, 'DOKPLOY_UNAUTHORIZED']);
	expect(lines.find((line) => line.span.status === 401)).toBeDefined();
});

it('a file that cannot be written is refused before anything else', async () => {
	const world = await startWorld({ database: false });
	const error = await failure(plan(oneApp(world), world.options({ trace: join(world.root, 'nowhere/trace.ndjson') })));
	expect(error).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('options.trace') });
	expect(error.hint).toBeTruthy();
	expect(world.simulator.requests()).toEqual([]);
});
