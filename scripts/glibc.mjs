// Says which glibc Linux addons need, and fails where it is newer than what we promise.
//
//   node scripts/glibc.mjs FILE …

import { execFileSync } from 'node:child_process';
import { OLDEST_GLIBC } from './build.mjs';

const numbers = (version) => version.split('.').map(Number);
const newer = (one, other) => numbers(one)[0] - numbers(other)[0] || numbers(one)[1] - numbers(other)[1];

for (const file of process.argv.slice(2)) {
	const symbols = execFileSync('objdump', ['--dynamic-syms', file], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
	const versions = [...symbols.matchAll(/\bGLIBC_(\d+\.\d+)/g)].map(([, version]) => version).sort(newer);
	const needed = versions.at(-1);
	console.log(`${file} needs glibc ${needed ?? 'of any version'}`);
	if (needed !== undefined && newer(needed, OLDEST_GLIBC) > 0) process.exitCode = 1;
}
