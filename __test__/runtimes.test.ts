import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The Node.js versions that `npm test` installs, packages for linux-x64 alone, and the one that runs the tests. */
const runtimes = [
	['20.19', here('./runtimes/node_modules/node-20.19/bin/node')],
	['22.0', here('./runtimes/node_modules/node-22.0/bin/node')],
	['22', here('./runtimes/node_modules/node-22/bin/node')],
	['24', here('./runtimes/node_modules/node-24/bin/node')],
	[process.versions.node.split('.')[0] ?? '', process.execPath],
] as const;

it.each(runtimes.filter(([, path]) => existsSync(path)))('the package works in Node.js %s', async (version, node) => {
	const { stdout } = await promisify(execFile)(node, [here('./fixtures/smoke.mjs')]);
	expect(JSON.parse(stdout)).toEqual({
		version: expect.stringMatching(new RegExp(`^${version}\\.`)),
		errors: true,
		codes: ['INVALID_REQUEST', 'CANCELLED'],
		cause: 'enough',
	});
});

it.runIf(process.platform === 'linux' && process.arch === 'x64')('the tests have every Node.js', () => {
	expect(runtimes.filter(([, path]) => !existsSync(path))).toEqual([]);
});
