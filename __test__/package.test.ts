import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorCodes } from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

/** Every first group that `pattern` finds in `text`. */
const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);

describe('error codes are the same, in the same order,', () => {
	it('in the types', () => {
		const union = /export type DeployErrorCode =([^;]*);/.exec(read('index.d.ts'))?.[1] ?? '';
		expect(found(union, /'([A-Z_]+)'/g)).toEqual(errorCodes);
	});

	it('in the README', () => {
		const table = read('README.md').split('## Error codes')[1]?.split('\n## ')[0] ?? '';
		expect(found(table, /^\| `([A-Z_]+)` \|/gm)).toEqual(errorCodes);
	});
});

describe('the version', () => {
	const { version } = JSON.parse(read('package.json')) as { version: string };

	it('is the crate\'s', () => {
		expect(found(read('Cargo.toml'), /^version = "(.*)"$/gm)).toEqual([version]);
	});

	it('is that of every platform package', () => {
		const platforms = readdirSync(fileURLToPath(new URL('../npm', import.meta.url)));
		expect(platforms).toContain('linux-x64-gnu');
		for (const platform of platforms) {
			expect(JSON.parse(read(`npm/${platform}/package.json`))).toMatchObject({ version });
		}
	});
});

it('what the facade exports is what the types declare', async () => {
	const declared = found(read('index.d.ts'), /^export (?:function|class|const) (\w+)/gm);
	const exported = await import('@geekmidas/deploy-native');
	expect([...new Set(declared)].sort()).toEqual(Object.keys(exported).sort());
});
