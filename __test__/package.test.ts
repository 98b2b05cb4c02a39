import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorCodes } from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';
import { platforms } from '../facade/constants.js';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

/** Every first group that `pattern` finds in `text`. */
const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);

describe('error codes are the same, in the same order,', () => {
	it('in the types', () => {
		const union = /export type DeployErrorCode =([^]*?);\n\n/.exec(read('index.d.ts'))?.[1] ?? '';
		expect(found(union, /'([A-Z_]+)'/g)).toEqual(errorCodes);
	});

	it('in the guide to troubleshooting', () => {
		expect(found(read('docs/troubleshooting.md'), /^## ([A-Z_]+)$/gm)).toEqual(errorCodes);
	});
});

interface Manifest {
	name: string;
	version: string;
	main: string;
	files: string[];
	os: string[];
	cpu: string[];
	libc?: string[];
	engines: { node: string };
	publishConfig: { access: string };
	napi: { binaryName: string };
	peerDependencies: Record<string, string>;
}

const manifest = (folder: string) => JSON.parse(read(`${folder}/package.json`)) as Manifest;
const { version, engines, peerDependencies } = manifest('.');

it('crate and packages have one version', () => {
	expect(found(read('Cargo.toml'), /^version = "(.*)"$/gm)).toEqual([version]);
	expect(manifest('simulator').version).toBe(version);
	expect(peerDependencies).toEqual({ '@geekmidas/deploy-native-testing': version });
	expect(manifest('simulator').peerDependencies).toMatchObject({ '@geekmidas/deploy-native': version });
});

describe.each([
	['.', [...platforms]],
	['simulator', platforms.filter((platform) => !platform.startsWith('win32'))],
])('in %s', (folder, expected) => {
	const { name, napi } = manifest(folder);

	it('every platform has its package', () => {
		const found = readdirSync(fileURLToPath(new URL(`../${folder}/npm`, import.meta.url)));
		expect(found.sort()).toEqual([...expected].sort());
	});

	it.each(expected)('that of %s is installed there alone, and holds the addon', (platform) => {
		const [os, cpu, abi] = platform.split('-');
		const addon = `${napi.binaryName}.${platform}.node`;
		const native = manifest(`${folder}/npm/${platform}`);
		expect(native).toMatchObject({ name: `${name}-${platform}`, version, engines, main: addon, files: [addon], os: [os], cpu: [cpu] });
		expect(native.libc).toEqual(os === 'linux' ? [abi === 'gnu' ? 'glibc' : 'musl'] : undefined);
		expect(native.publishConfig.access).toBe('public');
	});
});

it('the release builds every platform', () => {
	const { napi } = JSON.parse(read('package.json')) as { napi: { targets: string[] } };
	expect(found(read('.github/workflows/release.yml'), /\{ target: ([\w-]+),/g).sort()).toEqual([...napi.targets].sort());
});

it('the page about platforms names every one', () => {
	for (const platform of platforms) expect(read('docs/platforms.md')).toContain(`\`${platform}\``);
});

it('the workflows build with the oldest Rust that is promised', () => {
	const [promised] = found(read('Cargo.toml'), /^rust-version = "(.*)"$/gm);
	const workflows = `${read('.github/workflows/ci.yml')}${read('.github/workflows/release.yml')}`;
	expect([...new Set(found(workflows, /rust-toolchain@(\S+)/g))]).toEqual([promised]);
});

it('every link of a page to another file leads somewhere', () => {
	const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'simulator/README.md'];
	pages.push(...readdirSync(fileURLToPath(new URL('../docs', import.meta.url))).map((name) => `docs/${name}`));
	for (const page of pages) {
		for (const link of found(read(page), /\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
			const target = new URL(link ?? '', new URL(`../${page}`, import.meta.url));
			expect(existsSync(fileURLToPath(target)), `${page} links to ${link}`).toBe(true);
		}
	}
});

it('what the facade exports is what the types declare', async () => {
	const declared = found(read('index.d.ts'), /^export (?:function|class|const) (\w+)/gm);
	const exported = await import('@geekmidas/deploy-native');
	expect([...new Set(declared)].sort()).toEqual(Object.keys(exported).sort());
});
