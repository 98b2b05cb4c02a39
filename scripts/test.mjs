// Runs the tests of both sides, after setting up whatever a fresh clone lacks.
//
//   node scripts/test.mjs [rust|node] [arguments for cargo test or vitest]

import { spawnSync } from 'node:child_process';
import { features, root } from './addons.mjs';
import { setup } from './setup.mjs';

const sides = {
	rust: (extra) => ['cargo', ['test', '--workspace', '--features', features, '--locked', ...extra]],
	node: (extra) => [process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...extra]],
};

const [only, ...extra] = process.argv.slice(2);
const chosen = only in sides ? [only] : Object.keys(sides);
await setup({ runtimes: chosen.includes('node') });

// Both sides run even if the first fails: one run tells everything.
const failed = chosen.filter((side) => {
	const [command, args] = sides[side](extra);
	return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status !== 0;
});
if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
