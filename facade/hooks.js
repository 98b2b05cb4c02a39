// The caller's own functions: checked here, named to the native side, called by name.

import { invalid } from './error.js';
import { plain } from './plain.js';

/** Takes the hooks out of the options of a run. `context` is the last argument of those that may take long. */
export function takeHooks(given, context) {
	const { stateProvider, dnsProviders, buildImage, imageFingerprint, beforeApply, afterApp } = given;
	const functions = new Map();
	const thrown = new Map();
	const add = (path, owner, method, bound = (...args) => owner[method](...args)) => {
		if (typeof owner?.[method] !== 'function') throw invalid(`options.${path}: expected a function`);
		functions.set(path, bound);
	};

	const named = {};
	if (stateProvider !== undefined) {
		for (const method of ['read', 'write']) add(`stateProvider.${method}`, stateProvider, method);
		named.stateProvider = true;
	}
	for (const [domain, provider] of Object.entries(dnsProviders ?? {})) {
		for (const method of ['getRecords', 'upsertRecords', 'deleteRecords']) {
			add(`dnsProviders.${domain}.${method}`, provider, method);
		}
		named.dnsProviders = { ...named.dnsProviders, [domain]: String(provider.name ?? 'custom') };
	}
	if (buildImage !== undefined) {
		add('buildImage', { buildImage }, 'buildImage', (build) => buildImage(build, context));
		named.buildImage = true;
	}
	if (imageFingerprint !== undefined) {
		add('imageFingerprint', { imageFingerprint }, 'imageFingerprint');
		named.imageFingerprint = true;
	}

	for (const [name, hook] of Object.entries({ beforeApply, afterApp })) {
		if (hook === undefined) continue;
		add(name, { [name]: hook }, name, (value) => hook(value, context));
		named[name] = true;
	}

	/** Calls a hook; never rejects, because nobody could catch it between the threads. */
	async function call({ hook, args }) {
		try {
			return { value: plain(await functions.get(hook)(...args)) };
		} catch (error) {
			thrown.set(hook, error);
			return { error: String(error?.message ?? error) };
		}
	}

	return { named, call, thrownBy: (hook) => thrown.get(hook) };
}
