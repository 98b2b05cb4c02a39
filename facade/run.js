// Carries a call over to the native side and back: cancellation, events, hooks, failures.

import { fileURLToPath } from 'node:url';
import { CancelHandle, run as runNative } from '../binding.js';
import { bridgeError, cancelled, DeployError, invalid } from './error.js';
import { takeHooks } from './hooks.js';
import { plain, plainFields } from './plain.js';

/** Where this package's own parts are; the native side cannot know. */
const surroundings = {
	node: process.execPath,
	sniffer: fileURLToPath(new URL('../sniffer', import.meta.url)),
};

/** Carries out a run: `operation` says which. */
export async function run(operation, request, options = {}) {
	const { signal, onEvent, stateProvider, dnsProviders, buildImage, imageFingerprint, ...rest } = options ?? {};
	const control = takeControl(signal);
	const events = takeEvents(onEvent, control.stop);
	const hooks = takeHooks({ stateProvider, dnsProviders, buildImage, imageFingerprint }, { signal: control.signal });
	const outcome = await control.during(() =>
		runNative(
			operation,
			plainFields(request),
			passed({ ...rest, ...hooks.named }),
			control.handle,
			events.take,
			hooks.call,
		),
	);
	events.rethrow();
	return unwrap(outcome, signal, hooks.thrownBy);
}

/** Runs a native call that takes plain arguments and options, and can be cancelled. */
export async function call(native, args, options = {}, defaults = { surroundings }) {
	const { signal, ...rest } = options ?? {};
	const control = takeControl(signal);
	return unwrap(await control.during(() => native(...args.map(plain), passed(rest, defaults), control.handle)), signal);
}

/** Makes a native call that needs neither options nor cancellation. */
export async function ask(native) {
	try {
		return unwrap(await native());
	} catch (error) {
		throw bridgeError(error);
	}
}

/** As {@link ask}, for a native call that returns at once. */
export function askSync(native) {
	try {
		return unwrap(native());
	} catch (error) {
		throw bridgeError(error);
	}
}

/** Returns the value of an outcome, or throws its failure. */
function unwrap(outcome, signal, thrownBy = () => undefined) {
	if (outcome.ok) return outcome.value;
	if (outcome.code === 'CANCELLED') throw cancelled(signal, outcome);
	const cause = outcome.code === 'HOOK_FAILED' ? thrownBy(outcome.resource) : undefined;
	throw cause === undefined ? new DeployError(outcome) : new DeployError(outcome, cause);
}

/** Options as they cross, with our own surroundings where a call has any and the caller gave none. */
function passed(options, defaults = { surroundings }) {
	if (defaults.surroundings === undefined) return plainFields(options);
	return plainFields({ ...options, surroundings: { ...defaults.surroundings, ...options.surroundings } });
}

/**
 * Ties a native handle to the caller's signal, whatever realm that comes from.
 *
 * The listener is taken off again, so that a signal that serves many runs does not collect them.
 */
function takeControl(signal) {
	if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
		throw invalid('options.signal: expected an AbortSignal');
	}
	if (signal?.aborted) throw cancelled(signal);
	const handle = new CancelHandle();
	const controller = new AbortController();
	const stop = () => {
		handle.cancel();
		controller.abort(signal?.reason);
	};
	return {
		handle,
		stop,
		signal: controller.signal,
		async during(native) {
			signal?.addEventListener('abort', stop, { once: true });
			try {
				return await native();
			} catch (error) {
				throw bridgeError(error);
			} finally {
				signal?.removeEventListener('abort', stop);
			}
		},
	};
}

/**
 * Wraps the caller's event function: what it throws would end the process between the threads, so it is remembered,
 * the run is cancelled, and it is thrown again when the run has ended.
 */
function takeEvents(onEvent, stop) {
	if (onEvent !== undefined && typeof onEvent !== 'function') throw invalid('options.onEvent: expected a function');
	let thrown;
	const remember = (error) => {
		thrown ??= { error };
		stop();
	};
	return {
		take(event) {
			// `null` marks the end, for the native side to wait for.
			if (event === null || onEvent === undefined || thrown !== undefined) return;
			try {
				onEvent(event)?.then?.(undefined, remember);
			} catch (error) {
				remember(error);
			}
		},
		rethrow() {
			if (thrown !== undefined) throw thrown.error;
		},
	};
}
