import {
	automaticVariables,
	type NormalizedWorkspace,
	publicPrefix,
	resolveHost,
	stageHosts,
	validateWorkspace,
} from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';

const workspace: NormalizedWorkspace = {
	name: 'shop',
	root: '/w',
	apps: {
		api: { path: 'apps/api', port: 3000 },
		web: { type: 'web', framework: 'vite', path: 'apps/web', port: 3001, dependencies: ['api'] },
	},
	services: { db: true, mail: true },
	deploy: { dokploy: { domains: { staging: 'staging.example.com' } } },
};

describe('validateWorkspace', () => {
	it('lists faults and warnings with their paths, at once and without a network', () => {
		expect(validateWorkspace(workspace)).toEqual({
			faults: [],
			warnings: [{ path: 'services.mail', message: expect.stringContaining('SMTP') }],
		});
		const broken = { ...workspace, apps: { api: { path: '../..', port: 0, dependencies: ['nobody'] } } };
		const { faults } = validateWorkspace(broken);
		expect(faults.map(({ path }) => path)).toEqual(['apps.api.path', 'apps.api.port', 'apps.api.dependencies[0]']);
		expect(validateWorkspace(null).faults).toMatchObject([{ path: '' }]);
		expect(validateWorkspace({ ...workspace, apps: [] }).faults).toMatchObject([{ path: 'apps' }]);
	});

	it('looks at the host names of a stage when it is told one', () => {
		expect(validateWorkspace(workspace, { stage: 'staging' }).faults).toEqual([]);
		const { faults } = validateWorkspace(workspace, { stage: 'production' });
		expect(faults.map(({ path }) => path)).toEqual(['apps.api.domain', 'apps.web.domain']);
	});

	it('takes a workspace that holds functions and circles, as the command line loads it', () => {
		const hooks: Record<string, unknown> = { before: () => {} };
		hooks['itself'] = hooks;
		expect(validateWorkspace({ ...workspace, hooks }).faults).toEqual([]);
	});
});

describe('host names', () => {
	it('are those that a deployment uses', () => {
		expect(stageHosts(workspace, 'staging')).toEqual({
			api: 'api.staging.example.com',
			web: 'web.staging.example.com',
		});
		expect(resolveHost(workspace, 'web', 'staging', { mainFrontendAtApex: true })).toBe('staging.example.com');
	});

	it('that are not to be had throw', () => {
		const code = (code: string) => expect.objectContaining({ code });
		expect(() => stageHosts(workspace, 'production')).toThrow(code('INVALID_WORKSPACE'));
		expect(() => resolveHost(workspace, 'nobody', 'staging')).toThrow(code('INVALID_REQUEST'));
		expect(() => resolveHost(workspace, 'web', '../x')).toThrow(code('INVALID_REQUEST'));
	});
});

describe('variables', () => {
	it.each([
		['nextjs', 'NEXT_PUBLIC_'],
		['vite', 'VITE_'],
		['tanstack-start', 'VITE_'],
		['expo', 'EXPO_PUBLIC_'],
		['remix', ''],
		[undefined, 'NEXT_PUBLIC_'],
	])('of a front end of %s are public with %j', (framework, prefix) => {
		expect(publicPrefix(framework)).toBe(prefix);
	});

	it('that are automatic are listed', () => {
		const names = automaticVariables.map(({ name }) => name);
		expect(names).toEqual(expect.arrayContaining(['PORT', 'NODE_ENV', 'STAGE', 'DATABASE_URL', '{APP}_URL']));
		expect(automaticVariables.filter(({ always }) => always).map(({ name }) => name)).toEqual([
			'PORT',
			'NODE_ENV',
			'STAGE',
		]);
	});
});
