import { deploy, DeployError, plan, type RunOptions, undeploy } from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';
import { failure } from './failure.ts';
import { request } from './request.ts';

/** A value that the types forbid. */
const wrong = <T>(value: unknown): T => value as T;

describe('a request', () => {
	it.each([
		['no object', null, 'must be an object'],
		['no workspace', { stage: 'staging' }, 'workspace: missing'],
		['an unknown field', request(wrong({ stagee: 'x' })), 'stagee'],
		['an option in the wrong place', request(wrong({ onEvent: () => {} })), 'onEvent'],
		['a negative number', request({ stabilitySeconds: -1 }), 'stabilitySeconds'],
		['a fraction where an integer belongs', request({ dnsTimeoutSeconds: 1.5 }), 'dnsTimeoutSeconds'],
		['a number that is none', request({ stabilitySeconds: Number.NaN }), 'stabilitySeconds'],
		['an unknown choice', request(wrong({ waitFor: 'ready' })), 'waitFor'],
		['an address that is none', request({ serverIp: '1.2.3' }), 'serverIp'],
	])('with %s is INVALID_REQUEST and names the field', async (_name, value, named) => {
		for (const call of [deploy, plan]) {
			const error = await failure(call(wrong(value)));
			expect(error.code).toBe('INVALID_REQUEST');
			expect(error.message).toContain(named);
		}
	});

	it('of undeploy does not take the fields of deploy', async () => {
		const error = await failure(undeploy(wrong(request({ tag: 'v1' }))));
		expect(error).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('tag') });
	});
});

describe('options', () => {
	it.each<[string, unknown, string]>([
		['an unknown field', { onEvents: () => {} }, 'onEvents'],
		['a signal that is none', { signal: {} }, 'options.signal'],
		['an onEvent that is no function', { onEvent: 'log' }, 'options.onEvent'],
		['half a state provider', { stateProvider: { read: async () => null } }, 'options.stateProvider.write'],
		['a provider without deleteRecords', { dnsProviders: { 'a.b': { name: 'x' } } }, 'dnsProviders.a.b.getRecords'],
		['a fingerprint without a build', { imageFingerprint: async () => null }, 'imageFingerprint'],
		['a port that is none', { surroundings: { authoritativePort: 70_000 } }, 'surroundings.authoritativePort'],
		['a plan that is none', { expectedPlan: { stage: 'staging', steps: {} } }, 'options.expectedPlan.steps'],
		['an unknown surrounding', { surroundings: { nodejs: 'node' } }, 'surroundings'],
	])('with %s are INVALID_REQUEST and name the field', async (_name, options, named) => {
		const error = await failure(deploy(request(), options as RunOptions));
		expect(error.code).toBe('INVALID_REQUEST');
		expect(error.message).toContain(named);
	});
});

describe('a DeployError', () => {
	it('is an Error with name, code, stack of the caller and no empty fields', async () => {
		const error = await failure(deploy(request({ stabilitySeconds: -1 })));
		expect(error).toBeInstanceOf(Error);
		expect(error.name).toBe('DeployError');
		expect(String(error)).toMatch(/^DeployError: stabilitySeconds/);
		expect(error.stack).toContain('requests.test.ts');
		expect(error.errors).toEqual([]);
		expect(Object.keys(error).sort()).toEqual(['code', 'errors', 'retryable']);
	});
});
