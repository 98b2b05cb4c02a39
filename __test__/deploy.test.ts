import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
	deploy,
	type DeployEvent,
	initializePostgresUsers,
	plan,
	planRotateCredentials,
	planUndeploy,
	provisionServices,
	readState,
	renderPlan,
	rotateCredentials,
	undeploy,
	verifyIsolation,
	writeState,
} from '@geekmidas/deploy-native';
import { expect, it } from 'vitest';
import { failure } from './failure.ts';
import { serverIp, startWorld } from './world.ts';

const stage = 'staging';
// It brings no types.
const pg = createRequire(import.meta.url)('pg');

it('i9_the_seeds_workspace_runs_and_a_second_run_makes_only_reads', async () => {
	const { simulator, request, options, root } = await startWorld();
	const planned = await plan(request(), options());
	expect(planned.changes).toBeGreaterThan(0);
	expect(renderPlan(planned)).toContain(`Plan for stage staging: ${planned.changes} changes`);
	expect(simulator.mutations()).toEqual([]);

	const events: DeployEvent[] = [];
	const report = await deploy(request(), options({ onEvent: (event) => void events.push(event) }));
	expect(report.apps.map(({ appName, status, url }) => [appName, status, url])).toEqual(
		['api', 'auth', 'admin-auth', 'web', 'admin'].map((app) => [app, 'running', `https://${app}.staging.example.com`]),
	);
	expect(report.changes).toBe(planned.changes);
	expect(report.isolation).toMatchObject({ broken: [] });
	expect(report.isolation?.checks).toBeGreaterThan(0);
	expect(simulator.violations()).toEqual([]);

	const sniffed = events.flatMap((event) => (event.type === 'app-sniffed' ? [[event.app, event.required]] : []));
	expect(Object.fromEntries(sniffed)).toMatchObject({
		api: ['DATABASE_URL', 'PORT', 'REDIS_URL'],
		auth: ['BETTER_AUTH_SECRET', 'BETTER_AUTH_TRUSTED_ORIGINS', 'BETTER_AUTH_URL', 'DATABASE_URL', 'PORT'],
	});

	const state = await readState(root, stage);
	expect(Object.keys(state?.applications ?? {}).sort()).toEqual(['admin', 'admin-auth', 'api', 'auth', 'web']);
	expect(state?.dnsVerified?.['auth.staging.example.com']?.serverIp).toBe(serverIp);
	expect(statSync(join(root, '.gkm/deploy-staging.json')).mode & 0o777).toBe(0o600);

	const [mutations, dnsRequests] = [simulator.mutations().length, simulator.dns?.requests().length ?? 0];
	const again = await deploy(request(), options());
	expect(again.changes).toBe(0);
	expect(simulator.mutations().slice(mutations)).toEqual([]);
	const later = simulator.dns?.requests().slice(dnsRequests) ?? [];
	expect(later.filter(({ method }) => method !== 'GET')).toEqual([]);
});

it('a plan that was shown is applied as it stands or not at all', async () => {
	const { simulator, request, options } = await startWorld({ database: false });
	const shown = await plan(request({ apps: ['web'] }), options());
	const error = await failure(deploy(request({ apps: ['web', 'admin'] }), options({ expectedPlan: shown })));
	expect(error.code).toBe('PLAN_STALE');
	expect(error.message).toContain('app:admin:create: new');
	expect(error.message).not.toContain('app:web');
	expect(simulator.mutations()).toEqual([]);
	const report = await deploy(request({ apps: ['web'] }), options({ expectedPlan: shown }));
	expect(report.changes).toBe(shown.changes);
});

it('i6_no_event_carries_a_secret', async () => {
	const { request, options, root } = await startWorld();
	const events: DeployEvent[] = [];
	await deploy(request(), options({ onEvent: (event) => void events.push(event) }));
	const state = await readState(root, stage);
	const secrets = [
		...Object.values(state?.appCredentials ?? {}).map(({ dbPassword }) => dbPassword),
		...Object.values(state?.generatedSecrets ?? {}).flatMap((values) => Object.values(values)),
		request().credentials.dokploy.token,
	];
	expect(secrets.length).toBeGreaterThan(4);
	const told = JSON.stringify(events);
	expect(secrets.filter((secret) => told.includes(secret))).toEqual([]);
});

it('i1_missing_variables_of_all_apps_are_one_error_and_change_nothing', async () => {
	const { simulator, request, options } = await startWorld({ database: false });
	const given = request();
	for (const app of ['auth', 'admin-auth'] as const) {
		const config = given.workspace.apps[app];
		if (config !== undefined) config.requiredEnv = ['PORT', 'STRIPE_SECRET_KEY'];
	}
	const error = await failure(deploy(given, options()));
	expect(error.code).toBe('MISSING_ENV');
	expect(error.message).toContain('Deployment failed: auth is missing env vars: STRIPE_SECRET_KEY');
	expect(error.message).toContain('gkm secrets set admin-auth STRIPE_SECRET_KEY=sk_live_xxx');
	expect(simulator.mutations()).toEqual([]);
});

it('services and users can be made on their own, and everything goes again', async () => {
	const { simulator, request, options, root } = await startWorld();
	await provisionServices(request(), options());
	expect(simulator.count('postgres.create')).toBe(1);
	expect((await readState(root, stage))?.services.postgresId).toBeTruthy();
	expect(simulator.count('application.create')).toBe(0);

	const { isolation } = await initializePostgresUsers(request(), options());
	expect(isolation).toMatchObject({ broken: [] });
	expect(simulator.count('postgres.create')).toBe(1);

	await deploy(request(), options());
	const { workspace, credentials } = request();
	const all = { workspace, credentials, stage, deleteData: true, deleteProject: true };
	expect((await planUndeploy(all, options())).changes).toBeGreaterThan(0);
	const gone = await undeploy(all, options());
	expect(gone.removed.length).toBeGreaterThan(0);
	expect(simulator.snapshot()).toMatchObject({ projects: [], applications: [], postgres: [] });
	expect(simulator.dns?.records('example.com')).toEqual([]);
});

it('credentials of running apps change, and a value of the user is refused', async () => {
	const { simulator, request, options, root } = await startWorld();
	await deploy(request(), options());
	const before = await readState(root, stage);
	const { workspace, credentials } = request();
	const rotation = { workspace, credentials, stage, apps: ['auth'], stabilitySeconds: 0 };
	expect((await planRotateCredentials(rotation, options())).changes).toBe(7);

	const report = await rotateCredentials(rotation, options());
	expect(report.apps).toEqual([{ appName: 'auth', credentials: ['DATABASE_URL'], finished: true }]);
	const after = await readState(root, stage);
	expect(after?.appCredentials?.auth?.dbUser).toBe('auth');
	expect(after?.appCredentials?.auth?.dbPassword).not.toBe(before?.appCredentials?.auth?.dbPassword);
	expect(after?.appCredentials?.api).toEqual(before?.appCredentials?.api);
	expect((await deploy(request(), options())).changes).toBe(0);

	const generatedSecrets = ['BETTER_AUTH_SECRET'];
	await rotateCredentials({ ...rotation, generatedSecrets }, options());
	const renewed = await readState(root, stage);
	expect(renewed?.generatedSecrets?.auth).not.toEqual(before?.generatedSecrets?.auth);
	expect(renewed?.appCredentials).toEqual(after?.appCredentials);

	const [mutations, own] = [simulator.mutations().length, { ...rotation, generatedSecrets: ['STRIPE_SECRET_KEY'] }];
	expect(await failure(rotateCredentials(own, options()))).toMatchObject({
		code: 'INVALID_REQUEST',
		reason: 'not-rotatable',
	});
	expect(simulator.mutations().length).toBe(mutations);
});

it('a state that is written is read again, with the fields of others', async () => {
	const { root } = await startWorld({ database: false });
	const written = {
		provider: 'dokploy' as const,
		stage,
		environmentId: 'e',
		applications: {},
		services: {},
		lastDeployedAt: '',
		theirs: { bucketName: 'b' },
	};
	expect(await readState(root, stage)).toBeNull();
	await writeState(root, stage, written);
	expect(await readState(root, stage)).toMatchObject(written);
	expect(await failure(writeState(root, 'other', written))).toMatchObject({ code: 'INVALID_REQUEST' });
});

it('isolation is proven on its own, and what was granted by hand is found and named', async () => {
	const { simulator, request, options } = await startWorld();
	const nothing = await failure(verifyIsolation(request(), options()));
	expect([nothing.code, nothing.reason]).toEqual(['INVALID_REQUEST', 'not-provisioned']);
	expect(simulator.mutations()).toEqual([]);

	const { isolation } = await initializePostgresUsers(request(), options());
	expect(await verifyIsolation(request(), options())).toEqual(isolation);

	// Somebody lets one app read the tables of another.
	const [database] = simulator.snapshot().postgres as Record<string, string>[];
	const { databaseName, databaseUser, databasePassword, appName } = database ?? {};
	const [host, port] = (await simulator.databaseAddress(appName ?? '')).split(':');
	const login = { host, port: Number(port), database: databaseName, user: databaseUser, password: databasePassword };
	const master = new pg.Client(login);
	await master.connect();
	await master.query('GRANT USAGE ON SCHEMA admin_auth TO auth');
	await master.end();
	const error = await failure(verifyIsolation(request(), options()));
	expect([error.code, error.app, error.resource]).toEqual(['ISOLATION_BROKEN', 'auth', 'schema admin_auth']);
	expect(error.message).toContain('role `auth` is allowed');
	expect(error.log).toContain('role `auth` is allowed USAGE on schema admin_auth, and must not be');
	expect(simulator.snapshot().applications).toEqual([]);
});
