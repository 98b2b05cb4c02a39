// The two native addons, and where the package of each lives.

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
		folder: root,
		onWindows: true,
		sources: join(root, 'src/node/mod.rs'),
	},
	{
		crate: 'deploy-native-simulator',
		binaryName: 'deploy-native-testing',
		packageName: '@geekmidas/deploy-native-testing',
		folder: join(root, 'simulator'),
		onWindows: false,
		sources: join(root, 'simulator/src/lib.rs'),
	},
];

/** The features that make the crates loadable by Node.js. */
export const features = 'napi,deploy-native-simulator/napi';
