// Where the parts of this package are, also when a bundler has put its code into a file of another one.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** This package's name. */
export const own = '@geekmidas/deploy-native';

/** The file that this code runs in. CommonJS that a bundler has made has no `import.meta.url`. */
const here = fileURLToPath(import.meta.url ?? pathToFileURL(__filename).href);

/** Whether this code runs in a file that a bundler has made. */
export const isBundled = !existsSync(join(dirname(here), 'error.js'));

/** The folder of this package; in a bundle, that of the bundle. */
export const root = isBundled ? dirname(here) : dirname(dirname(here));

/**
 * The path that Node.js resolves `request` to, or `undefined`.
 *
 * Looked for as a dependency of `owner`, then as one of whoever stands in `folder`, then the same from the program's file: package
 * managers put a package's dependencies where only that package finds them.
 */
export function find(request, { owner, folder }) {
	// With `--eval` the program is no file, and this is its first argument.
	const program = process.argv[1] ?? '';
	for (const file of [join(folder, 'index.js'), ...(isAbsolute(program) ? [program] : [])]) {
		const near = createRequire(file);
		const installed = resolve(near, owner);
		const found = (installed && resolve(createRequire(installed), request)) ?? resolve(near, request);
		if (found !== undefined) return found;
	}
	return undefined;
}

/** The folder with the sniffer's JavaScript, or `undefined`: then the native side has a copy of its own. */
export function findSniffer() {
	const installed = isBundled ? find(`${own}/package.json`, { owner: own, folder: root }) : undefined;
	const folder = join(installed === undefined ? root : dirname(installed), 'sniffer');
	return existsSync(join(folder, 'main.cjs')) ? folder : undefined;
}

function resolve(near, request) {
	try {
		return near.resolve(request);
	} catch {
		return undefined;
	}
}
