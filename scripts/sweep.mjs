// The whole crash sweep: every remote change and durable write of the reference deployment, interrupted before and after.
// `npm test` runs a sample of it.
//
//   node scripts/sweep.mjs      (npm run sweep)

import { spawnSync } from 'node:child_process';
import { root } from './addons.mjs';
import { setup } from './setup.mjs';

await setup();
const { status } = spawnSync('cargo', ['test', '--locked', '--test', 'sweep', '--', '--nocapture'], {
	cwd: root,
	stdio: 'inherit',
	env: { ...process.env, DEPLOY_NATIVE_SWEEP: 'full' },
});
process.exitCode = status ?? 1;
