// The one error class of the public surface.

import { errorCodes } from './constants.js';

/** The fields of a failure that a `DeployError` carries over where they are set. */
const fields = ['app', 'stage', 'endpoint', 'resource', 'step', 'reason', 'hint', 'log', 'missing', 'report'];

export class DeployError extends Error {
	static {
		this.prototype.name = 'DeployError';
	}

	/** Made by this package from what the native side reports. */
	constructor(failure, cause = chain(failure.causes ?? [])) {
		super(failure.message, cause === undefined ? undefined : { cause });
		this.code = failure.code;
		this.retryable = failure.retryable ?? false;
		this.errors = (failure.errors ?? []).map((error) => new DeployError(error));
		for (const field of fields) {
			if (failure[field] !== undefined && failure[field] !== null) this[field] = failure[field];
		}
	}
}

/** An `INVALID_REQUEST` found before the native side was asked. */
export function invalid(message) {
	return new DeployError({ code: 'INVALID_REQUEST', message });
}

/** The error of a run whose signal was aborted. */
export function cancelled(signal, failure = {}) {
	return new DeployError({ message: 'The run was cancelled', ...failure, code: 'CANCELLED' }, signal?.reason);
}

/** An exception of the bridge: a value that cannot cross it, or a defect. */
export function bridgeError(error) {
	if (error instanceof DeployError) return error;
	const wrong = error?.code === 'InvalidArg' || /Expected$/.test(error?.code ?? '');
	const code = wrong ? 'INVALID_REQUEST' : 'INTERNAL';
	return new DeployError({ code, message: error?.message ?? String(error) }, error);
}

/** A failure as the native side reads it: what does not show in JSON by itself is copied. */
export function described(error) {
	const texts = [];
	const seen = new Set([error]);
	for (let cause = error.cause; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
		seen.add(cause);
		texts.push(cause.message);
	}
	const { code, message, retryable, errors } = error;
	const shown = { code, message, retryable, causes: texts, errors: (errors ?? []).map(described) };
	for (const field of fields) if (error[field] !== undefined) shown[field] = error[field];
	return shown;
}

/** Whether the native side can format a failure: not what is no error of ours, nor that there may be no native side. */
export function isFormattable(error) {
	return errorCodes.includes(error?.code) && !['PLATFORM_UNSUPPORTED', 'PACKAGE_MISSING'].includes(error.code);
}

/** A failure for a terminal, without the native side. */
export function textOf(error) {
	const hint = error?.hint === undefined ? '' : `  hint      ${error.hint}\n`;
	return `✗ ${error?.message ?? error}\n${hint}`;
}

/** Links the texts of underlying errors, outermost first, as causes of each other. */
function chain(texts) {
	return texts.reduceRight((cause, text) => new Error(text, cause && { cause }), undefined);
}
