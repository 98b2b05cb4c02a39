// Packs what is published, exactly as it is published: tarballs in target/packages, and `order.json` with the order in
// which they go out.
//
//   node scripts/pack.mjs [--addons FOLDER]
//
// FOLDER holds the addons of every platform, at any depth; one that is missing is an error. Without it, the packages of
// this platform alone are packed, with the addons that stand here.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { platformOf } from '../facade/addon.js';
import { addons, root } from './addons.mjs';

/** Where the tarballs go. */
export const packages = join(root, 'target/packages');

/** The addons with the platforms that each has packages for. */
export const parts = addons.map((addon) => ({ ...addon, platforms: readdirSync(join(addon.folder, 'npm')).sort() }));

/** What of a manifest is of no use to who installs it. */
const ours = ['scripts', 'devDependencies', 'overrides', 'napi'];

/**
 * Packs everything; returns `{ name, version, file, manifest }` of each package in the order of publishing.
 *
 * `find` returns the addon of a part for a platform, or nothing to leave that package out.
 */
export function pack(find = builtHere) {
	rmSync(packages, { recursive: true, force: true });
	mkdirSync(packages, { recursive: true });
	// A package goes out after what it depends on: nobody shall install it without.
	const natives = parts.flatMap((part) => part.platforms.map((platform) => packNative(part, platform, find)));
	const facades = parts.map(packFacade);
	const order = [...natives.filter(Boolean), ...facades];
	const listed = order.map(({ name, version, file }) => ({ name, version, file: basename(file) }));
	writeFileSync(join(packages, 'order.json'), `${JSON.stringify(listed, null, 2)}\n`);
	return order;
}

/** The addon that was built here, for this platform alone. */
export function builtHere({ folder, binaryName }, platform) {
	return platform === platformOf(process) ? join(folder, `${binaryName}.${platform}.node`) : undefined;
}

/** Finds addons in a folder, at any depth, in which all of them must be. */
export function among(folder) {
	const files = readdirSync(folder, { recursive: true }).map((file) => join(folder, file));
	const find = ({ binaryName }, platform) => files.find((file) => basename(file) === `${binaryName}.${platform}.node`);
	const missing = parts.flatMap((part) =>
		part.platforms.filter((platform) => !find(part, platform)).map((platform) => `${part.binaryName}.${platform}.node`),
	);
	if (missing.length > 0) throw new Error(`${folder} lacks ${missing.join(', ')}`);
	return find;
}

/** Packs the native part for a platform; nothing where there is no addon for it. */
function packNative(part, platform, find) {
	const source = join(part.folder, 'npm', platform);
	const addon = find(part, platform);
	return addon && tarball(read(source), [join(source, 'README.md'), join(root, 'LICENSE'), addon]);
}

/** Packs what is JavaScript, which depends on the native part of every platform. */
function packFacade({ folder, packageName, platforms }) {
	const manifest = read(folder);
	for (const field of ours) delete manifest[field];
	const natives = platforms.map((platform) => [`${packageName}-${platform}`, manifest.version]);
	const files = [...manifest.files, 'README.md'].map((file) => join(folder, file));
	return tarball({ ...manifest, optionalDependencies: Object.fromEntries(natives) }, [...files, join(root, 'LICENSE')]);
}

/** Makes the tarball of a package of these files. */
function tarball(manifest, files) {
	const { name, version } = manifest;
	const staging = join(packages, 'staging', name);
	mkdirSync(staging, { recursive: true });
	for (const file of files) place(file, join(staging, basename(file)));
	writeFileSync(join(staging, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
	npm(['pack', '--ignore-scripts', '--pack-destination', packages], staging);
	rmSync(join(packages, 'staging'), { recursive: true });
	const file = join(packages, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
	if (!existsSync(file)) throw new Error(`npm pack made no ${file}`);
	return { name, version, file, manifest };
}

/** Runs npm; throws when it fails. Returns what it prints. */
export function npm(args, cwd) {
	const options = { cwd, encoding: 'utf8', shell: process.platform === 'win32' };
	const { status, stdout, stderr } = spawnSync('npm', args, options);
	if (status !== 0) throw new Error(`npm ${args.join(' ')} failed in ${cwd}: ${stderr}`);
	return stdout;
}

/** An addon can be a hundred megabytes: where that is possible, it is not copied. */
function place(from, to) {
	try {
		linkSync(from, to);
	} catch {
		cpSync(from, to, { recursive: true });
	}
}

function read(folder) {
	return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const at = process.argv.indexOf('--addons');
	const packed = at === -1 ? pack() : pack(among(process.argv[at + 1]));
	for (const { name, version, file } of packed) console.log(`${name}@${version}  ${basename(file)}`);
}
