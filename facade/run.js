// Carries a call over to the native side and back: cancellation, events, hooks, failures.

import { declaredProviders, withoutDeclaredProviders } from './declared-providers.js';
import { bridgeError, cancelled, DeployError, invalid } from './error.js';
import { takeHooks } from './hooks.js';
import { native } from './native.js';
import { findSniffer } from './place.js';
import { plain, plainFields } from './plain.js';

/** Where this package's own parts are; the native side cannot know. */
let ownSurroundings;

/** Carries out a run: `operation` says which. */
export async function run(operation, request, options = {}) {
	const { signal, onEvent, stateProvider, dnsProviders, buildImage, imageFingerprint, ...others } = options ?? {};
	const { beforeApply, afterApp, ...rest } = others;
	const declared = declaredProviders(request?.workspace);
	const control = takeControl(signal);
	const events = takeEvents(onEvent, control.stop);
	const given = {
		stateProvider: stateProvider ?? declared.stateProvider,
		dnsProviders: { ...declared.dnsProviders, ...dnsProviders },
		buildImage,
		imageFingerprint,
		beforeApply,
		afterApp,
	};
	const hooks = takeHooks(given, { signal: control.signal });
	const outcome = await control.during(() =>
		native().run(
			operation,
			plainFields(withoutDeclaredProviders(request)),
			passed({ ...rest, ...hooks.named }),
			control.handle,
			events.take,
			hooks.call,
		),
	);
	events.rethrow();
	return unwrap(outcome, signal, hooks.thrownBy);
}

/** Runs a native call that takes plain arguments and options, and can be cancelled. `carry` carries the options over. */
export async function call(name, args, options = {}, carry = passed) {
	const { signal, ...rest } = options ?? {};
	const control = takeControl(signal);
	return unwrap(await control.during(() => native()[name](...args.map(plain), carry(rest), control.handle)), signal);
}

/** Makes a native call that needs neither options nor cancellation. */
export async function ask(question) {
	try {
		return unwrap(await question());
	} catch (error) {
		throw bridgeError(error);
	}
}

/** As {@link ask}, for a native call that returns at once. */
export function askSync(question) {
	try {
		return unwrap(question());
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

/** Options as they cross, with our own surroundings where the caller gave none. */
function passed(options) {
	ownSurroundings ??= { node: process.execPath, sniffer: findSniffer() };
	return plainFields({ ...options, surroundings: { ...ownSurroundings, ...options.surroundings } });
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
	const handle = new (native().CancelHandle)();
	const controller = new AbortController();
	const stop = () => {
		handle.cancel();
		controller.abort(signal?.reason);
	};
	return {
		handle,
		stop,
		signal: controller.signal,
		async during(work) {
			signal?.addEventListener('abort', stop, { once: true });
			try {
				return await work();
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
