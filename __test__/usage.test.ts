import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DeployReport, DeployRequest, RunOptions } from '@geekmidas/deploy-native';
import { expect, it } from 'vitest';
import { oneApp, startWorld } from './world.ts';

type Ship = (request: DeployRequest, options: RunOptions, log: (line: string) => void) => Promise<DeployReport>;

const path = new URL('../examples/usage.mjs', import.meta.url);
const { ship } = (await import(path.href)) as { ship: Ship };

it('the usage example deploys', async () => {
	const world = await startWorld({ database: false });
	const lines: string[] = [];
	const images = { api: 'registry.test/shop/api:1' };
	await ship({ ...oneApp(world), images }, world.options(), (line) => void lines.push(line));
	expect(lines.at(-1)).toBe('api is running at https://api.staging.example.com');
});

it('the usage example says what went wrong, and what to do', async () => {
	const world = await startWorld({ database: false });
	const lines: string[] = [];
	const credentials = { ...world.simulator.credentials, dokploy: { ...world.simulator.credentials.dokploy, token: 'no' } };
	const images = { api: 'registry.test/shop/api:1' };
	await ship({ ...oneApp(world), images, credentials }, world.options(), (line) => void lines.push(line));
	expect(lines.at(-1)).toMatch(/\n {2}hint {6}\S[^]*\n {2}code {6}DOKPLOY_UNAUTHORIZED \(unauthorized\)\n$/);
});

it('the usage example prints app, cause, hint and log of an app that crashes', async () => {
	const image = 'registry.test/shop/api:1';
	const world = await startWorld({ database: false, images: [{ reference: image, behaviour: { kind: 'crash' } }] });
	const lines: string[] = [];
	const report = await ship({ ...oneApp(world), images: { api: image } }, world.options(), (line) => void lines.push(line));
	const text = lines.at(-1) ?? '';
	expect(text).toMatch(/^✗ api: /);
	expect(text).toContain('code      DEPLOYMENT_FAILED (crash-loop)');
	expect(text).toContain('  hint      ');
	expect(text).toMatch(/\n {2}log\n {2}│ /);
	expect(report.apps).toMatchObject([{ appName: 'api', status: 'failed' }]);
});

it('the usage example is the one in the README', () => {
	const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
	expect(readme).toContain(`\`\`\`js\n${readFileSync(path, 'utf8')}\`\`\`\n`);
});
