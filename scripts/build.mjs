// Builds the addons with cargo and puts them where they are looked for.
//
//   node scripts/build.mjs [--release] [--target TRIPLE]
//
// Not `napi build`: it always passes `--target`, and so shares nothing with `cargo test`. Building the examples along
// makes cargo resolve the same features as for tests, so everything is compiled once.
//
// For a target of Linux, zig compiles and links what is C (cargo-zigbuild): it brings every C library, so one machine builds
// for all of them, and for a glibc that is older than its own.

import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { platformOf } from '../facade/addon.js';
import { platforms } from '../facade/constants.js';
import { addons, features, root } from './addons.mjs';

/** The oldest glibc that the addons run with: that of Debian 10, RHEL 8 and Ubuntu 20.04. */
export const OLDEST_GLIBC = '2.28';

/** Builds the addons; throws when cargo fails. */
export function build({ release = false, target, env = {} } = {}) {
	const platform = target === undefined ? platformOf(process) : platformOfTarget(target);
	const built = addons.filter((addon) => !platform.startsWith('win32') || addon.onWindows);
	const args = [
		...(target === undefined ? ['build'] : forTarget(target)),
		...(release ? ['--release'] : target === undefined ? ['--examples'] : []),
		...['--lib', ...built.flatMap(({ crate }) => ['--package', crate])],
		...['--features', built.length === addons.length ? features : 'napi', '--locked'],
	];
	const { status, error } = spawnSync('cargo', args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
	if (error) throw new Error(`cargo cannot be started: ${error.message}. Install Rust from https://rustup.rs`);
	if (status !== 0) throw new Error(`cargo ${args.join(' ')} failed`);
	const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), target ?? '', release ? 'release' : 'debug');
	for (const addon of built) place(join(folder, libraryName(addon.crate, platform)), addon, platform);
}

/** Puts a library where its package looks for it. A process may have the old one mapped: replace it, do not write into it. */
function place(library, { folder, binaryName }, platform) {
	const addon = join(folder, `${binaryName}.${platform}.node`);
	copyFileSync(library, `${addon}.new`);
	renameSync(`${addon}.new`, addon);
}

/** The platform of a target that the addons are published for. */
function platformOfTarget(target) {
	const { napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	const platform = platforms[napi.targets.indexOf(target)];
	if (platform === undefined) throw new Error(`${target} is none of ${napi.targets.join(', ')}`);
	return platform;
}

/** The command of cargo that builds for a target. */
function forTarget(target) {
	if (!target.includes('linux')) return ['build', '--target', target];
	return ['zigbuild', '--target', target.endsWith('gnu') ? `${target}.${OLDEST_GLIBC}` : target];
}

/** What cargo calls the library of a crate on a platform. */
function libraryName(crate, platform) {
	const name = crate.replaceAll('-', '_');
	if (platform.startsWith('win32')) return `${name}.dll`;
	return `lib${name}.${platform.startsWith('darwin') ? 'dylib' : 'so'}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	build(parseArgs({ options: { release: { type: 'boolean' }, target: { type: 'string' } } }).values);
}
