// Finds a native addon, and loads it when it is first needed: a program that only imports this package runs everywhere.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DeployError } from './error.js';
import { find, isBundled, own, root } from './place.js';

/** How to keep this package out of a bundle, by bundler. */
const external = [
	`esbuild: --external:${own}`,
	`rolldown and tsdown: external: ['${own}']`,
	`webpack: externals: { '${own}': 'module ${own}' }`,
].join('; ');

/**
 * Makes the function that returns an addon, loaded at its first call.
 *
 * `packageName` is the package that the addon belongs to, `platforms` are those that it is published for, and `folder`
 * is where a build from source puts it.
 */
export function addon({ packageName, version, platforms, folder = root }) {
	let loaded;
	return () => (loaded ??= load({ packageName, version, platforms, folder }));
}

function load({ packageName, version, platforms, folder }) {
	const platform = platformOf(process);
	const native = `${packageName}-${platform}`;
	const built = join(folder, `${packageName.split('/')[1]}.${platform}.node`);
	const path = existsSync(built) ? built : find(native, { owner: packageName, folder });
	if (path === undefined) {
		throw platforms.includes(platform) ? missing(native, version) : unsupported(native, platform, platforms);
	}
	try {
		return createRequire(path)(path);
	} catch (cause) {
		throw unloadable(native, version, path, cause);
	}
}

/** This machine in the names of the packages: system, architecture and, on Linux, the C library. */
export function platformOf({ platform, arch, report }) {
	if (platform === 'linux') return `linux-${arch}-${isMusl(report) ? 'musl' : 'gnu'}`;
	return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/** Node's report names the version of glibc, and of no other C library. */
function isMusl(report) {
	const { excludeNetwork } = report;
	// Looking up the names of open connections can take seconds.
	report.excludeNetwork = true;
	try {
		return !report.getReport().header.glibcVersionRuntime;
	} finally {
		report.excludeNetwork = excludeNetwork;
	}
}

function unsupported(native, platform, platforms) {
	return new DeployError({
		code: 'PLATFORM_UNSUPPORTED',
		message: `${platform} is not supported: there is no package ${native}`,
		reason: 'no-package',
		resource: native,
		hint: `Run it on one of ${platforms.join(', ')}, or build it from source on this machine`,
	});
}

function missing(native, version) {
	const install = `Install it: npm install ${native}@${version}. It comes as an optional dependency, which \
--omit=optional leaves out, and so does a lock file that was made on another platform`;
	return new DeployError({
		code: 'PACKAGE_MISSING',
		message: `The package ${native} is not installed, which has the native part for this platform`,
		reason: isBundled ? 'bundled' : 'not-installed',
		resource: native,
		hint: isBundled ? `Keep ${own} out of the bundle, and install it where the bundle runs. ${external}` : install,
	});
}

function unloadable(native, version, path, cause) {
	const glibc = native.endsWith('-gnu') ? ', or on a system with glibc 2.28 or newer' : '';
	return new DeployError(
		{
			code: 'PLATFORM_UNSUPPORTED',
			message: `The native part of ${native} cannot be loaded on this machine: ${path}`,
			reason: 'not-loadable',
			resource: native,
			hint: `Install it again: npm install --force ${native}@${version}${glibc}`,
		},
		cause,
	);
}
