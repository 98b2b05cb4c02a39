// The shapes that the `gkm` command line has, written out: what it holds can be passed to us as it is. Checked by `tsc`.

import type {
	AppConfig,
	DeployRequest,
	DnsProvider,
	NormalizedWorkspace,
	RunOptions,
	StageSecrets,
	State,
	StateProvider,
} from '@geekmidas/deploy-native';

type CliRecordType = 'A' | 'AAAA' | 'CNAME' | 'MX' | 'TXT' | 'NS' | 'SRV' | 'CAA';

interface CliRecord {
	name: string;
	type: CliRecordType;
	ttl: number;
	values: string[];
}

interface CliUpsert {
	name: string;
	type: CliRecordType;
	ttl: number;
	value: string;
}

interface CliDelete {
	name: string;
	type: CliRecordType;
}

interface CliDnsProvider {
	readonly name: string;
	getRecords(domain: string): Promise<CliRecord[]>;
	upsertRecords(
		domain: string,
		records: CliUpsert[],
	): Promise<{ record: CliUpsert; created: boolean; unchanged: boolean }[]>;
	deleteRecords(
		domain: string,
		records: CliDelete[],
	): Promise<{ record: CliDelete; deleted: boolean; notFound: boolean; error?: string }[]>;
}

/** As a class or an object literal declares it, whose functions are not compared as leniently as methods. */
interface CliDnsProviderOfFunctions {
	readonly name: string;
	getRecords: (domain: string) => Promise<CliRecord[]>;
	upsertRecords: (domain: string, records: CliUpsert[]) => Promise<{ created: boolean; unchanged: boolean }[]>;
	deleteRecords: (domain: string, records: CliDelete[]) => Promise<{ deleted: boolean; notFound: boolean }[]>;
}

interface CliState {
	provider: 'dokploy';
	stage: string;
	projectId: string;
	environmentId: string;
	applications: Record<string, string>;
	services: { postgresId?: string; redisId?: string };
	appCredentials?: Record<string, { dbUser: string; dbPassword: string }>;
	generatedSecrets?: Record<string, Record<string, string>>;
	dnsVerified?: Record<string, { serverIp: string; verifiedAt: string }>;
	dnsRecords?: Record<
		string,
		{ domain: string; name: string; type: string; value: string; ttl: number; createdAt: string }
	>;
	backups?: {
		bucketName: string;
		bucketArn: string;
		iamUserName: string;
		iamAccessKeyId: string;
		iamSecretAccessKey: string;
		destinationId: string;
		postgresBackupId?: string;
		region: string;
		createdAt: string;
	};
	lastDeployedAt: string;
}

interface CliStateProvider {
	read(stage: string): Promise<CliState | null>;
	write(stage: string, state: CliState): Promise<void>;
}

type CliRoutes = string | string[] | { paths: string | string[]; partition: (path: string) => string };

interface CliApp {
	type: 'backend' | 'web' | 'mobile';
	path: string;
	port: number;
	dependencies: string[];
	resolvedDeployTarget: 'dokploy' | 'vercel' | 'cloudflare';
	deploy?: 'dokploy' | 'vercel' | 'cloudflare';
	routes?: CliRoutes;
	functions?: CliRoutes;
	crons?: CliRoutes;
	subscribers?: CliRoutes;
	envParser?: string;
	logger?: string;
	entry?: string;
	framework?: 'hono' | 'better-auth' | 'express' | 'fastify' | 'nextjs' | 'remix' | 'vite' | 'tanstack-start' | 'expo';
	config?: { client?: string; server?: string };
	domain?: string | Record<string, string>;
	requiredEnv?: string[];
	hooks?: { server?: string };
	telescope?: string | boolean | { enabled?: boolean };
	openapi?: boolean | { title?: string };
	runtime?: 'node' | 'bun';
	env?: string | string[];
}

interface CliImage {
	version?: string;
	image?: string;
}

type CliDnsZone =
	| { provider: 'hostinger' | 'cloudflare'; ttl?: number }
	| { provider: 'route53'; region?: string; profile?: string; hostedZoneId?: string; ttl?: number }
	| { provider: 'manual' }
	| { provider: CliDnsProvider; ttl?: number };

interface CliWorkspace {
	name: string;
	root: string;
	apps: Record<string, CliApp>;
	services: {
		db?: boolean | CliImage;
		cache?: boolean | CliImage;
		mail?: boolean | (CliImage & { smtp?: { host: string; port: number; user?: string; pass?: string } });
		storage?: boolean | CliImage;
		events?: 'pgboss' | 'sns' | 'rabbitmq';
	};
	deploy: {
		default?: 'dokploy' | 'vercel' | 'cloudflare';
		dokploy?: {
			endpoint?: string;
			endpoints?: Record<string, string>;
			registry?: string;
			registryId?: string;
			domains?: Record<string, string>;
		};
		dns?: (CliDnsZone & { domain: string }) | Record<string, CliDnsZone>;
		backups?: { type: 's3'; region: string; profile?: string; schedule?: string; retention?: number };
	};
	shared: { packages?: string[]; models?: { path?: string; schema?: 'zod' } };
	secrets: { enabled?: boolean; algorithm?: string; kdf?: 'scrypt' | 'pbkdf2' };
	state?: { provider: 'local' } | { provider: 'ssm'; region: string; profile?: string } | { provider: CliStateProvider };
}

interface CliStageSecrets {
	stage: string;
	createdAt: string;
	updatedAt: string;
	eventsBackend?: 'pgboss' | 'sns' | 'rabbitmq';
	services: {
		postgres?: { host: string; port: number; username: string; password: string; database?: string };
		redis?: { host: string; port: number; username: string; password: string };
		minio?: { host: string; port: number; username: string; password: string; bucket?: string };
	};
	urls: { DATABASE_URL?: string; REDIS_URL?: string };
	custom: Record<string, string>;
}

/** What the command line holds, as it is passed to us. */
export function pass(cli: {
	dns: CliDnsProvider;
	dnsOfFunctions: CliDnsProviderOfFunctions;
	stateProvider: CliStateProvider;
	state: CliState;
	app: CliApp;
	workspace: CliWorkspace;
	secrets: CliStageSecrets;
	token: string;
}): [DeployRequest, RunOptions, State, AppConfig] {
	const dnsProviders: Record<string, DnsProvider> = { 'a.example': cli.dns, 'b.example': cli.dnsOfFunctions };
	const stateProvider: StateProvider = cli.stateProvider;
	const workspace: NormalizedWorkspace = cli.workspace;
	const secrets: StageSecrets = cli.secrets;
	const request = { workspace, stage: 'production', credentials: { dokploy: { token: cli.token } }, secrets };
	return [request, { dnsProviders, stateProvider }, cli.state, cli.app];
}
