// Providers that a workspace declares as objects: their methods cannot cross to the native side, so they become hooks.

import { invalid } from './error.js';

const STATE = ['read', 'write'];
const DNS = ['getRecords', 'upsertRecords', 'deleteRecords'];

/** The providers that sit in the workspace itself, as the options of a run take them. */
export function declaredProviders(workspace) {
	const state = provider(workspace?.state?.provider, STATE, 'workspace.state.provider');
	const zones = Object.entries(zonesOf(workspace?.deploy?.dns)).flatMap(([domain, { zone, path }]) => {
		const found = provider(zone?.provider, DNS, `${path}.provider`);
		return found === undefined ? [] : [[domain, found]];
	});
	return {
		...(state !== undefined && { stateProvider: state }),
		...(zones.length > 0 && { dnsProviders: Object.fromEntries(zones) }),
	};
}

/**
 * The request with the name alone of each provider object: nothing of such an object is for the native side, and a client
 * inside of it may be large, and hold credentials.
 */
export function withoutDeclaredProviders(request) {
	if (!isObject(request?.workspace)) return request;
	const { state, deploy } = request.workspace;
	const named = (holder) => (isObject(holder?.provider) ? { ...holder, provider: nameOf(holder.provider) } : holder);
	const zones = (dns) => Object.fromEntries(Object.entries(dns).map(([domain, zone]) => [domain, named(zone)]));
	const dns = deploy?.dns;
	return {
		...request,
		workspace: {
			...request.workspace,
			...(state && { state: named(state) }),
			...(isObject(dns) && { deploy: { ...deploy, dns: isOneZone(dns) ? named(dns) : zones(dns) } }),
		},
	};
}

const isObject = (value) => typeof value === 'object' && value !== null;
const nameOf = ({ name }) => (name === undefined ? {} : { name });

/** Whether this is the older form of `deploy.dns`, which has one zone, with its domain as a field. */
const isOneZone = (dns) => typeof dns.domain === 'string' && dns.provider !== undefined;

/** The zones by their domain. */
function zonesOf(dns) {
	const path = 'workspace.deploy.dns';
	if (!isObject(dns)) return {};
	if (isOneZone(dns)) return { [dns.domain]: { zone: dns, path } };
	return Object.fromEntries(Object.entries(dns).map(([domain, zone]) => [domain, { zone, path: `${path}.${domain}` }]));
}

/** An object with methods; one without any is a name only, for which a hook is given in the options. */
function provider(value, methods, path) {
	const has = (method) => typeof value?.[method] === 'function';
	if (!methods.some(has)) return undefined;
	const missing = methods.find((method) => !has(method));
	if (missing !== undefined) throw invalid(`${path}.${missing}: expected a function`);
	return value;
}
