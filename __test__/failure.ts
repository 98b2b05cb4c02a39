import { DeployError } from '@geekmidas/deploy-native';
import { expect } from 'vitest';

/** The error that a call rejects with. */
export async function failure(call: Promise<unknown>): Promise<DeployError> {
	const error = await call.then(
		() => undefined,
		(thrown: unknown) => thrown,
	);
	expect(error).toBeInstanceOf(DeployError);
	return error as DeployError;
}
