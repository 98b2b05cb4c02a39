// The two native addons of this package, and where everything about them lives.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The production addon, and the simulator's for tests. */
export const addons = [
	{
		crate: 'deploy-native',
		binaryName: 'deploy-native',
		packageName: '@geekmidas/deploy-native',
		binding: 'binding',
		sources: join(root, 'src/node/mod.rs'),
	},
	{
		crate: 'deploy-native-simulator',
		binaryName: 'deploy-native-testing',
		packageName: '@geekmidas/deploy-native-testing',
		binding: 'testing-binding',
		sources: join(root, 'simulator/src/lib.rs'),
	},
];

/** The features that make the crates loadable by Node.js. */
export const features = 'napi,deploy-native-simulator/napi';

/** This machine in the names of addon files, as the generated loaders look for them. */
export function platform() {
	const { platform: os, arch } = process;
	if (os === 'darwin') return `darwin-${arch}`;
	if (os !== 'linux') throw new Error(`deploy-native does not build on ${os} yet`);
	const glibc = process.report.getReport().header.glibcVersionRuntime;
	return `linux-${arch}-${glibc ? 'gnu' : 'musl'}`;
}
