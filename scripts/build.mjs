// Builds both addons with cargo and puts them where the loaders find them.
//
//   node scripts/build.mjs [--release]
//
// Not `napi build`: it always passes `--target`, and so shares nothing with `cargo test`. Building the examples along
// makes cargo resolve the same features as for tests, so everything is compiled once.

import { spawnSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { platformOf } from '../facade/addon.js';
import { addons, features, root } from './addons.mjs';

/** Builds the addons; throws when cargo fails. */
export function build({ release = false, env = {} } = {}) {
	const shared = release ? ['--release'] : ['--examples'];
	const args = ['build', '--workspace', '--lib', ...shared, '--features', features, '--locked'];
	const { status, error } = spawnSync('cargo', args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
	if (error) throw new Error(`cargo cannot be started: ${error.message}. Install Rust from https://rustup.rs`);
	if (status !== 0) throw new Error(`cargo ${args.join(' ')} failed`);
	const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
	for (const { crate, binaryName, folder } of addons) {
		const library = join(target, release ? 'release' : 'debug', libraryName(crate));
		const addon = join(folder, `${binaryName}.${platformOf(process)}.node`);
		// A process may have the old file mapped: replace it, do not write into it.
		copyFileSync(library, `${addon}.new`);
		renameSync(`${addon}.new`, addon);
	}
}

/** What cargo calls the library of a crate on this system. */
function libraryName(crate) {
	const name = crate.replaceAll('-', '_');
	if (process.platform === 'win32') return `${name}.dll`;
	return `lib${name}.${process.platform === 'darwin' ? 'dylib' : 'so'}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build({ release: process.argv.includes('--release') });
