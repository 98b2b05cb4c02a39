// Publishes what `scripts/pack.mjs` has packed, in its order. What is published already is passed by, so a run that broke off
// can be repeated.
//
//   node scripts/publish.mjs [--provenance]

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packages } from './pack.mjs';

/** Publishes every package; rejects at the first that is refused. `flags` go to every npm. */
export async function publish({ provenance = false, flags = [] } = {}) {
	for (const { name, version, file } of JSON.parse(readFileSync(join(packages, 'order.json'), 'utf8'))) {
		if (await succeeds(['view', `${name}@${version}`, 'version', '--json', ...flags], version)) {
			console.log(`${name}@${version} is published already`);
			continue;
		}
		const tag = version.includes('-') ? 'next' : 'latest';
		const args = ['publish', join(packages, file), '--access', 'public', '--tag', tag, ...flags];
		if (!(await succeeds([...args, `--provenance=${provenance}`]))) throw new Error(`${name}@${version} was refused`);
		console.log(`${name}@${version} is published`);
	}
}

/** Runs npm, and says whether it succeeded and, if that is asked, printed a text. */
function succeeds(args, text = '') {
	const quiet = text !== '';
	const stdio = ['ignore', 'pipe', quiet ? 'ignore' : 'inherit'];
	const child = spawn('npm', args, { stdio, shell: process.platform === 'win32' });
	let printed = '';
	child.stdout.on('data', (chunk) => (printed += chunk));
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code) => resolve(code === 0 && printed.includes(text)));
	});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	await publish({ provenance: process.argv.includes('--provenance') });
}
