// Runs the tests of both sides, after setting up whatever a fresh clone lacks.
//
//   node scripts/test.mjs [rust|node] [arguments for cargo test or vitest]
//   node scripts/test.mjs sweep         interrupts a deployment at every point instead of at a sample

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { features, root } from './addons.mjs';
import { runtimes, setup } from './setup.mjs';

const cargo = (...extra) => ['cargo', 'test', '--workspace', '--features', features, '--locked', '--no-fail-fast', ...extra];

const sides = {
	rust: cargo,
	node: (...extra) => [process.execPath, join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...extra],
	sweep: (...extra) => cargo('--test', 'sweep', ...extra),
};

const [only, ...extra] = process.argv.slice(2);
const chosen = Object.hasOwn(sides, only ?? '') ? [only] : ['rust', 'node'];
await setup({ forTests: true });

const env = {
	...process.env,
	SNIFF_NODES: process.env.SNIFF_NODES ?? runtimes().join(':'),
	...(chosen.includes('sweep') && { DEPLOY_NATIVE_SWEEP: 'full' }),
};
// Both sides run even if the first fails: one run tells everything.
const failed = chosen.filter((side) => {
	const [command, ...args] = sides[side](...(chosen.length === 1 ? extra : []));
	return spawnSync(command, args, { cwd: root, stdio: 'inherit', env }).status !== 0;
});
if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
