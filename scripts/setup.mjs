// Brings a fresh clone to where the tests and the demo can run: npm packages and addons. Does only what is missing or
// stale, so it runs first in `npm test` and `npm run demo`. Uses nothing but Node.js itself.

import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './addons.mjs';
import { build } from './build.mjs';

/** What is needed to run: this package's own tools, and the packages of the example. */
const folders = [root, join(root, 'examples/multi-auth')];
/** What the tests need besides: the packages of the sniffed apps, other versions of Node.js, other package managers. */
const testFolders = ['corpus', 'runtimes', 'install'].map((folder) => join(root, '__test__', folder));

/** Sets everything up; throws when a part cannot be had. */
export async function setup({ forTests = false } = {}) {
	for (const folder of forTests ? [...folders, ...testFolders] : folders) await install(folder);
	build();
}

/** Other versions of Node.js that the tests have, the newest of each line unless named: paths of their programs. */
export function runtimes(versions = ['22', '24']) {
	const program = (version) => join(root, `__test__/runtimes/node_modules/node-${version}/bin/node`);
	return versions.map(program).filter(existsSync);
}

/** Installs what a folder's lock file names, unless that is installed already. */
async function install(folder) {
	const installed = join(folder, 'node_modules/.package-lock.json');
	const stale = () => statSync(installed).mtimeMs < statSync(join(folder, 'package-lock.json')).mtimeMs;
	if (existsSync(installed) && !stale()) return;
	console.log(`Installing the npm packages of ${folder === root ? 'this package' : basename(folder)}`);
	await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], folder);
}

/** Runs a command in a folder and waits for it; throws when it fails. */
function run(command, args, cwd) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd, stdio: 'inherit' });
		child.on('error', reject);
		child.on('exit', (code) =>
			code === 0 ? resolve() : reject(new Error(`${command} ${args.join(' ')} failed in ${cwd}`)),
		);
	});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup({ forTests: true });
