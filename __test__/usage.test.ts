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

it('the usage example says what went wrong', async () => {
	const world = await startWorld({ database: false });
	const lines: string[] = [];
	const credentials = { ...world.simulator.credentials, dokploy: { ...world.simulator.credentials.dokploy, token: 'no' } };
	await ship({ ...oneApp(world), credentials }, world.options(), (line) => void lines.push(line));
	expect(lines.find((line) => line.startsWith('DOKPLOY_UNAUTHORIZED: '))).toBeDefined();
});

it('the usage example is the one in the README', () => {
	const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
	expect(readme).toContain(`\`\`\`js\n${readFileSync(path, 'utf8')}\`\`\`\n`);
});
