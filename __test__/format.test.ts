import { deploy, DeployError, formatError } from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';
import { failure } from './failure.ts';
import { startWorld } from './world.ts';

/** The error of a deployment in which two apps miss variables. */
async function missing(): Promise<DeployError> {
	const world = await startWorld({ database: false });
	const { workspace, ...request } = world.request();
	const { api, auth } = workspace.apps;
	if (!api || !auth) throw new Error('the example has both');
	const apps = {
		api: { ...api, requiredEnv: ['OUR_OWN'] },
		auth: { ...auth, dependencies: [], requiredEnv: ['STRIPE_SECRET_KEY', 'OUR_OWN'] },
	};
	const other = { ...workspace, services: {}, apps };
	return failure(deploy({ ...request, workspace: other, images: {} }, world.options()));
}

describe('formatError', () => {
	it('has the text about missing variables in both styles, and the variables are data', async () => {
		const error = await missing();
		expect(error.code).toBe('MISSING_ENV');
		expect(error.missing).toEqual({ api: ['OUR_OWN'], auth: ['OUR_OWN', 'STRIPE_SECRET_KEY'] });
		const seed = formatError(error);
		expect(seed).toBe(`${error.message}\n`);
		expect(seed).toContain('  gkm secrets set auth STRIPE_SECRET_KEY=sk_live_xxx\n');
		expect(formatError(error, { style: 'cli', stage: 'staging' })).toBe(
			[
				'Deployment failed: api is missing env vars: OUR_OWN',
				'Deployment failed: auth is missing env vars: OUR_OWN, STRIPE_SECRET_KEY',
				'',
				'Add them with:',
				'  gkm secrets:set OUR_OWN <value> --stage staging',
				'  gkm secrets:set STRIPE_SECRET_KEY <value> --stage staging',
				'',
			].join('\n'),
		);
	});

	it('names the endpoint of a server that refuses the key', async () => {
		const world = await startWorld({ database: false });
		const endpoint = world.simulator.url;
		const credentials = { ...world.simulator.credentials, dokploy: { endpoint, token: 'wrong' } };
		const error = await failure(deploy(world.request({ credentials }), world.options()));
		expect(error).toMatchObject({ code: 'DOKPLOY_UNAUTHORIZED', endpoint });
		expect(error.message).toContain(endpoint);
		const text = formatError(error);
		expect(text).toContain(endpoint);
		expect(text).toContain(`hint      ${error.hint}`);
		expect(text).not.toContain('\x1b');
		expect(formatError(error, { color: true })).toContain('\x1b[31m✗\x1b[0m');
	});

	it('shows what is no DeployError by its message', () => {
		expect(formatError(new Error('odd'))).toBe('✗ odd\n');
		expect(formatError('text')).toBe('✗ text\n');
		expect(formatError(undefined)).toBe('✗ undefined\n');
	});

	it('refuses a style that it does not have', async () => {
		const error = await missing();
		expect(() => formatError(error, { style: 'other' as 'cli' })).toThrow(
			expect.objectContaining({ code: 'INVALID_REQUEST' }),
		);
	});
});
