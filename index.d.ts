/**
 * Puts a workspace of several TypeScript apps on a self-hosted Dokploy server.
 *
 * @packageDocumentation
 */

// ---------------------------------------------------------------------------------------------------------- running

/**
 * Deploys a workspace: finds out what each app needs, plans, applies the plan, and proves that what it deployed runs.
 *
 * Nothing remote changes before every check has passed. Running it again after any interruption converges; running it
 * on an unchanged workspace changes nothing.
 *
 * @throws {@link DeployError}
 */
export function deploy(request: DeployRequest, options?: ApplyOptions): Promise<DeployReport>;

/**
 * Works out what {@link deploy} would do, and changes nothing.
 *
 * @throws {@link DeployError}
 */
export function plan(request: DeployRequest, options?: RunOptions): Promise<DeployPlan>;

/**
 * Removes what was deployed. Databases and their data stay unless `deleteData` is set.
 *
 * @throws {@link DeployError} `INVALID_REQUEST` with the reason `other-server` when the state is of another server: what
 * stands there is not taken for gone
 */
export function undeploy(request: UndeployRequest, options?: ApplyOptions): Promise<UndeployReport>;

/**
 * Works out what {@link undeploy} would do, and changes nothing.
 *
 * @throws {@link DeployError}
 */
export function planUndeploy(request: UndeployRequest, options?: RunOptions): Promise<DeployPlan>;

/**
 * Puts apps back to earlier deployments that were seen running, image and values included, without a build. What we
 * generate for an app, such as the password of its database user, is today's.
 *
 * What cannot be undone is in the plan's `notes` and in the report: what releases have changed in the database since.
 * Interrupted anywhere, the next rollback finishes it.
 *
 * @throws {@link DeployError} `NO_EARLIER_DEPLOYMENT` when there is nothing to go back to; `INVALID_REQUEST` for a
 * deployment that nobody knows, and with the reason `not-declared` for an app that the workspace no longer declares
 */
export function rollback(request: RollbackRequest, options?: ApplyOptions): Promise<DeployReport>;

/**
 * Works out what {@link rollback} would do, and changes nothing.
 *
 * @throws {@link DeployError}
 */
export function planRollback(request: RollbackRequest, options?: RunOptions): Promise<DeployPlan>;

/**
 * Gives apps that run other credentials: another password for their database user, or other values of variables that
 * were generated. Nothing else about them changes, and no moment refuses a running app.
 *
 * A password changes in three turns: the app gets a second login and is deployed with it, its user gets the new password,
 * and the app is deployed with its own login again. Interrupted anywhere, the next run of this or of {@link deploy}
 * finishes it, with the same new values.
 *
 * @throws {@link DeployError} `INVALID_REQUEST` with the reason `not-rotatable` for a value that is the user's own
 */
export function rotateCredentials(request: RotateRequest, options?: RunOptions): Promise<RotationReport>;

/**
 * Works out what {@link rotateCredentials} would do, and changes nothing.
 *
 * @throws {@link DeployError}
 */
export function planRotateCredentials(request: RotateRequest, options?: RunOptions): Promise<DeployPlan>;

/**
 * Asks the authoritative servers of each host name of the selected apps whether they answer with the server's address.
 *
 * @throws {@link DeployError}
 */
export function verifyDns(request: DeployRequest, options?: RunOptions): Promise<DnsReport>;

/**
 * Proves that the stage's app roles are isolated from each other, as every deployment does that changes them; finds what
 * was granted by hand since.
 *
 * Every app of the workspace that has a role is tried, whatever `apps` selects. The stage is locked meanwhile. Nothing is
 * changed, but where the database is reached by its external port, that is opened and closed again, which restarts the
 * database.
 *
 * @throws {@link DeployError} `ISOLATION_BROKEN` naming role and object, with every other outcome that is not as it must be
 * in `log`; `INVALID_REQUEST` with the reason `not-provisioned` when the stage has no database or no app has a role
 */
export function verifyIsolation(request: DeployRequest, options?: RunOptions): Promise<IsolationReport>;

/**
 * Creates project, environment and services, and nothing else.
 *
 * @throws {@link DeployError}
 */
export function provisionServices(request: DeployRequest, options?: RunOptions): Promise<DeployReport>;

/**
 * Gives every app that needs one its database user and schema, and proves that they are isolated. Creates the services
 * where they are missing.
 *
 * @throws {@link DeployError}
 */
export function initializePostgresUsers(request: DeployRequest, options?: RunOptions): Promise<DeployReport>;

/**
 * Finds the variables that an entry file asks for, by loading it in a process of its own.
 *
 * What goes wrong inside the app is not thrown: it is the result's `error`, beside what was found before.
 *
 * @param entryPath relative to `appPath`
 * @param appPath relative to `workspacePath`
 * @param workspacePath absolute
 * @throws {@link DeployError} `CANCELLED`, or `SNIFF_FAILED` when this machine refuses what is needed to sniff at all
 */
export function sniffEntryFile(
	entryPath: string,
	appPath: string,
	workspacePath: string,
	options?: SniffOptions,
): Promise<SniffedEntry>;

/**
 * Finds the variables that an app needs, by the strategy that fits it.
 *
 * @throws {@link DeployError} as {@link sniffEntryFile}, and `INVALID_WORKSPACE` when the app is not one
 */
export function sniffApp(
	app: AppConfig,
	appName: string,
	workspacePath: string,
	options?: SniffOptions,
): Promise<SniffedEnvironment>;

/**
 * Finds the variables that all apps need, side by side.
 *
 * @throws {@link DeployError} as {@link sniffApp}
 */
export function sniffAllApps(
	apps: Record<string, AppConfig>,
	workspacePath: string,
	options?: SniffOptions,
): Promise<Record<string, SniffedEnvironment>>;

/**
 * Finds out what a server is, whose key this is and what that may do: what a login, or a question who one is, shows. Reads
 * only.
 *
 * @throws {@link DeployError} `DOKPLOY_UNREACHABLE`, `DOKPLOY_UNAUTHORIZED`, `DOKPLOY_UNSUPPORTED`
 */
export function checkServer(server: ServerCredentials, options?: CallOptions): Promise<ServerCheck>;

/**
 * Lists the image registries that a server is logged in to.
 *
 * @throws {@link DeployError} as {@link checkServer}, and `DOKPLOY_FORBIDDEN`
 */
export function listRegistries(server: ServerCredentials, options?: CallOptions): Promise<ServerRegistry[]>;

/**
 * Logs a server in to an image registry, for every service on it. Doing so twice makes two.
 *
 * @throws {@link DeployError} as {@link listRegistries}, and `IMAGE_REGISTRY` with the reason `login-refused`
 */
export function createRegistry(
	server: ServerCredentials,
	registry: RegistryLogin,
	options?: CallOptions,
): Promise<ServerRegistry>;

/**
 * Lists everything that is wrong with a workspace, and what it declares that a deployment does not do. Reads nothing but
 * the object: no file, no network.
 *
 * @throws {@link DeployError} `INVALID_REQUEST` for wrong options only
 */
export function validateWorkspace(workspace: unknown, options?: ValidateOptions): WorkspaceCheck;

/**
 * The host name of each app but mobile ones, in the order of declaration.
 *
 * @throws {@link DeployError} `INVALID_WORKSPACE` when a stage has no domain, or two apps would share a host name
 */
export function stageHosts(workspace: NormalizedWorkspace, stage: string, options?: HostOptions): Record<string, string>;

/**
 * The host name of one app: its own domain, else `{app}.{deploy.dokploy.domains[stage]}`.
 *
 * @throws {@link DeployError} as {@link stageHosts}, and `INVALID_REQUEST` when there is no such app
 */
export function resolveHost(
	workspace: NormalizedWorkspace,
	app: string,
	stage: string,
	options?: HostOptions,
): string;

/**
 * The prefix that makes a variable public in a framework of front ends: `VITE_`, `EXPO_PUBLIC_`, none for `remix`, else
 * `NEXT_PUBLIC_`.
 */
export function publicPrefix(framework?: string): '' | 'NEXT_PUBLIC_' | 'VITE_' | 'EXPO_PUBLIC_';

/** The variables whose values follow from the deployment, so that nobody has to provide them. */
export const automaticVariables: readonly AutomaticVariable[];

/**
 * Finds the value of each variable, and says which are missing. Changes nothing: what had to be generated is returned,
 * for the caller to keep and to pass in next time.
 *
 * @throws {@link DeployError} `INVALID_REQUEST`
 */
export function resolveEnv(requiredVars: string[], context: EnvContext): EnvResolution;

/**
 * Renders a plan for people: one line a step, what restarts, which ports open. Holds no secrets.
 *
 * @throws {@link DeployError} `INVALID_REQUEST`
 */
export function renderPlan(plan: DeployPlan): string;

/**
 * Renders an error for a terminal: its app, endpoint, step, hint and the end of its log, and of several failures each.
 * What is no {@link DeployError} is shown by its message. Ends with a line break.
 *
 * @throws {@link DeployError} `INVALID_REQUEST` for wrong options only
 */
export function formatError(error: unknown, options?: FormatErrorOptions): string;

/**
 * Shows a run while it happens: on a terminal a row per app that says what it does or waits for and for how long, drawn
 * again in place; elsewhere a line for each thing that has happened. Pass `onEvent` to the run, and call `end` after it.
 *
 * @throws {@link DeployError} `INVALID_REQUEST` when there is nothing to write to
 */
export function createProgressRenderer(options?: ProgressOptions): ProgressRenderer;

/**
 * Reads the state of a stage from `.gkm/deploy-{stage}.json`; `null` if there is none.
 *
 * @throws {@link DeployError} `STATE_CORRUPT`, `STATE_IO`
 */
export function readState(workspaceRoot: string, stage: string): Promise<State | null>;

/**
 * Writes the state of a stage: whole and durable when the promise resolves, the version before is kept beside it.
 *
 * @throws {@link DeployError} `STATE_CORRUPT` when what stands there is no state, `STATE_IO`
 */
export function writeState(workspaceRoot: string, stage: string, state: State): Promise<void>;

/** What to deploy, where, and as whom. Unknown fields are errors. */
export interface DeployRequest {
	/** The workspace as the CLI has loaded it; `root` is absolute. Fields that we do not know are passed by. */
	workspace: NormalizedWorkspace;
	/** The stage, for instance `production`. */
	stage: string;
	credentials: Credentials;
	/** Values that the user provides. */
	secrets?: AppSecrets | StageSecrets;
	/** The apps to deploy, at least one; default all. */
	apps?: string[];
	/** The tag of images; default `{stage}-{timestamp}`. */
	tag?: string;
	/** App to image reference, deployed instead of building. */
	images?: Record<string, string>;
	/** Gives the main front end the bare domain; default `false`. */
	mainFrontendAtApex?: boolean;
	/** The server's address; default: what the endpoint's host resolves to, which is wrong behind a CDN or tunnel. */
	serverIp?: string;
	/** Where an opened database port is reached; default: the endpoint's host. */
	databaseHost?: string;
	/**
	 * How the database is reached to make roles and schemas. `internal`: a short-lived application on the server's network
	 * runs `psql`; no port opens, and the database is not restarted. `external-port`: its port is opened, used, closed.
	 * `auto`, the default: `internal`, and the port where that fails as a way, which is a warning, or was seen to fail.
	 */
	databaseAccess?: 'external-port' | 'internal' | 'auto';
	/** Which app owns the `public` schema; default `api`, `null` for none. */
	publicSchemaApp?: string | null;
	/** What a failed sniff does; default `fail`. */
	onSniffError?: 'fail' | 'warn';
	/**
	 * What becomes of the apps that a run has changed when another one fails: they stay as they are, the default, or go back
	 * to what was seen running before. The error stays the one of the failure, and its report says in `rolledBack` which.
	 */
	onFailure?: 'keep' | 'rollback';
	/** App to the command that is run once before it is deployed, in place of what the workspace says. */
	release?: Record<string, ReleaseConfig>;
	/** App to how it is found out that it works, in place of what the workspace says. */
	health?: Record<string, HealthConfig | false>;
	/** How far a deployment is followed; default `running`. An app's status never claims more than was seen. */
	waitFor?: 'queued' | 'deployed' | 'running';
	/** How long an app must stay up to count as running, in seconds; default 15. */
	stabilitySeconds?: number;
	/** How long DNS is waited for, in seconds; default 300. */
	dnsTimeoutSeconds?: number;
	/** Refuses to replace DNS records that we did not write; default `false`. */
	protectForeignDns?: boolean;
	/** Apps whose same-named, unmarked application on the server we may take. */
	adopt?: string[];
	/** Whether domains are attached; default `true`. Without them, apps need no host names. */
	domains?: boolean;
	/** The platform of images; default `linux/amd64`. */
	platform?: string;
}

/** What to remove, where, and as whom. Unknown fields are errors. */
export interface UndeployRequest {
	workspace: NormalizedWorkspace;
	stage: string;
	credentials: Credentials;
	/** The apps to remove; default everything of the stage. */
	apps?: string[];
	/** Whether the main front end had the bare domain of the stage; default `false`. */
	mainFrontendAtApex?: boolean;
	/** Where the database's port is reached; default the host of the Dokploy endpoint. */
	databaseHost?: string;
	/** How the database is reached when roles are dropped; as in {@link DeployRequest}. */
	databaseAccess?: DeployRequest['databaseAccess'];
	/** The app that owns `public`, which stays when its role goes; default `'api'`, `null`: none. */
	publicSchemaApp?: string | null;
	/**
	 * Also removes databases, roles and their data; default `false`. Dokploy leaves the volumes of removed databases on the
	 * server's disk: the plan's notes and the report's `kept` name them.
	 */
	deleteData?: boolean;
	/** Also removes environment and project, when nothing else lives there; default `false`. */
	deleteProject?: boolean;
	/** Whether `deleteData` makes a last backup first and waits for it, where there are backups; default `true`. */
	finalBackup?: boolean;
	/** With `deleteData`: also deletes the bucket with every backup in it; default `false`. */
	deleteBackups?: boolean;
}

/** Which apps go back, and where to. Unknown fields are errors. */
export interface RollbackRequest {
	workspace: NormalizedWorkspace;
	stage: string;
	credentials: Credentials;
	/**
	 * Where to: a moment as ISO 8601, for how the apps were deployed then, or the id of a deployment, for how they were
	 * deployed when it was made. Default: each app goes back by one.
	 */
	to?: string;
	/** The apps; default: without `to` those that the last run changed, else all. */
	apps?: string[];
	/** Whether the main front end has the bare domain, as in the deployment; default `false`. */
	mainFrontendAtApex?: boolean;
	/** Whether domains are attached, as in the deployment; default `true`. */
	domains?: boolean;
	/** Where an opened database port is reached; default: the endpoint's host. */
	databaseHost?: string;
	/** How the database is reached, where it has to be; as in {@link DeployRequest}. */
	databaseAccess?: DeployRequest['databaseAccess'];
	/** Which app owns the `public` schema, as in the deployment; default `api`, `null` for none. */
	publicSchemaApp?: string | null;
	/** How long an app must stay up to count as running, in seconds; default 15. */
	stabilitySeconds?: number;
}

/** Whose credentials change, and which. Unknown fields are errors. */
export interface RotateRequest {
	workspace: NormalizedWorkspace;
	stage: string;
	credentials: Credentials;
	/** The apps; default every app that has what is rotated. */
	apps?: string[];
	/** Generated variables that get another value, for instance `['BETTER_AUTH_SECRET']`; default none. */
	generatedSecrets?: string[];
	/** Whether the database users get other passwords; default `true`, or `false` where `generatedSecrets` names some. */
	databasePasswords?: boolean;
	/** Where an opened database port is reached; default: the endpoint's host. */
	databaseHost?: string;
	/**
	 * How the database is reached, as in {@link DeployRequest}; default `auto`. `external-port` opens the port three times,
	 * and each time restarts the database twice.
	 */
	databaseAccess?: 'external-port' | 'internal' | 'auto';
	/** Which app owns the `public` schema, as in the deployment; default `api`, `null` for none. */
	publicSchemaApp?: string | null;
	/** How long an app must stay up to count as running, in seconds; default 15. */
	stabilitySeconds?: number;
}

/** Who we are to whom. */
export interface Credentials {
	dokploy: {
		/** The server's address; default `workspace.deploy.dokploy.endpoints[stage]`, else `.endpoint`. */
		endpoint?: string;
		/** The API key. */
		token: string;
	};
	registry?: {
		/** The registry's host; default that of `workspace.deploy.dokploy.registry`. */
		url?: string;
		username: string;
		password: string;
	};
	hostinger?: VendorCredentials;
	cloudflare?: VendorCredentials;
	/** For Route 53, a state in AWS and backups; default: what the AWS tools find (variables, profiles, roles). */
	aws?: AwsCredentials;
}

/** An account at AWS. */
export interface AwsCredentials {
	/** An access key to use, whatever profiles and environment say; with `secretAccessKey`. */
	accessKeyId?: string;
	secretAccessKey?: string;
	/** Of a temporary access key. */
	sessionToken?: string;
	/** The address of every service; default AWS's own. */
	baseUrl?: string;
}

/** A token for a DNS vendor. */
export interface VendorCredentials {
	token: string;
	/** The API's address; default the vendor's own. */
	baseUrl?: string;
}

/** A server, and who we are to it. */
export interface ServerCredentials {
	/** The address at which a browser opens Dokploy. */
	endpoint: string;
	/** The API key. */
	token: string;
}

/** A call that can be cancelled. */
export interface CallOptions {
	/** Cancels the call, which then rejects with `CANCELLED`. */
	signal?: AbortSignal;
}

/** A login at an image registry. */
export interface RegistryLogin {
	/** What the server shows it as; default its host. */
	name?: string;
	/** The registry's host, for instance `ghcr.io`; a scheme before it and a path after it are passed by. */
	url: string;
	username: string;
	password: string;
}

/** Which host names are meant. */
export interface HostOptions {
	/** Gives the main front end the bare domain; default `false`. */
	mainFrontendAtApex?: boolean;
}

/** How a workspace is checked. */
export interface ValidateOptions extends HostOptions {
	/** Checks the host names of this stage as well. */
	stage?: string;
}

/** How an error is shown. */
export interface FormatErrorOptions {
	/**
	 * Whose commands set missing variables: `seed`, the default, has `gkm secrets set APP NAME=value`; `cli` has those of the
	 * `gkm` command line, `gkm secrets:set NAME <value> --stage STAGE`.
	 */
	style?: 'seed' | 'cli';
	/** The stage for the commands; default the one of the error. */
	stage?: string;
	/** Whether it is coloured; default `false`. */
	color?: boolean;
	/** How many lines of each log are shown; default 20. */
	logLines?: number;
}

/** Where and how progress is shown. */
export interface ProgressOptions {
	/** Default `process.stdout`. */
	stream?: ProgressStream;
	/** Whether it is drawn again in place; default whether the stream is a terminal. */
	live?: boolean;
	/** Whether it is coloured; default whether the stream is a terminal with colours and `NO_COLOR` is not set. */
	color?: boolean;
	/** How wide it may be; default the terminal's width, else 80. */
	columns?: number;
	/** Whether the lines of builds and deployments are shown; default `false`. */
	logs?: boolean;
}

/** What progress is written to, for instance `process.stdout`. */
export interface ProgressStream {
	write(text: string): unknown;
	readonly isTTY?: boolean | undefined;
	readonly columns?: number | undefined;
	readonly rows?: number | undefined;
	hasColors?(): boolean;
}

/** Shows a run. */
export interface ProgressRenderer {
	/** Takes an event; may be passed on as it is. */
	readonly onEvent: (event: DeployEvent) => void;
	/** Draws the last picture; afterwards nothing is written any more. */
	readonly end: () => void;
}

/** Values that a user provides: for every app, and per app. */
export interface AppSecrets {
	shared?: Record<string, string>;
	apps?: Record<string, Record<string, string>>;
}

/** Values that a user provides, as the CLI stores them for a stage. */
export interface StageSecrets {
	stage: string;
	createdAt: string;
	updatedAt: string;
	eventsBackend?: string;
	services: Record<string, ServiceSecrets | undefined>;
	urls: Record<string, string | undefined>;
	custom: Record<string, string>;
}

/** How a service is reached, as the CLI stores it. */
export interface ServiceSecrets {
	host: string;
	port: number;
	username: string;
	password: string;
	database?: string;
	vhost?: string;
	bucket?: string;
	accessKeyId?: string;
	region?: string;
}

/** How a run is carried out; none of it changes what is deployed. Unknown fields are errors. */
export interface RunOptions {
	/**
	 * Cancels the run: its promise rejects with `CANCELLED` within two seconds, `cause` is the signal's reason, and the
	 * next run converges.
	 */
	signal?: AbortSignal;
	/**
	 * Takes what happens, in order; every event arrives before the promise settles. What it throws, or what a promise
	 * it returns rejects with, cancels the run and is thrown by it.
	 */
	onEvent?: (event: DeployEvent) => void;
	/** Whether sniff results are cached between runs; default `true`. */
	cache?: boolean;
	/**
	 * Keeps the state instead of the local file or the store that the workspace names. Default: `workspace.state.provider`,
	 * if that is an object with `read` and `write`. Journal and lock stay local.
	 */
	stateProvider?: StateProvider;
	/**
	 * DNS providers by root domain, in place of the built-in ones, and of objects that the workspace declares as
	 * `deploy.dns.*.provider`.
	 */
	dnsProviders?: Record<string, DnsProvider>;
	/** Builds and pushes an image instead of `docker`, and says which reference to deploy. */
	buildImage?: (build: ImageBuild, context: HookContext) => Promise<{ image: string }>;
	/** With `buildImage`: what makes an app's image unchanged. `null`, or no such hook: it is always built. */
	imageFingerprint?: (app: string) => Promise<string | null>;
	/**
	 * Is given the plan before the first change, and not at all when nothing changes. What it rejects with stops the run as
	 * the cause of a `HOOK_FAILED`, `false` as a `CANCELLED` with the reason `declined`. It is asked again when the plan has
	 * become another one by the time that the stage is this run's alone.
	 */
	beforeApply?: (plan: DeployPlan, context: HookContext) => Promise<boolean | void> | boolean | void;
	/**
	 * Is given what became of each app of a deployment or rollback, one after another, when all of them have ended. What it
	 * rejects with is a warning, `hook-failed`: the app is as it is.
	 */
	afterApp?: (report: AppReport, context: HookContext) => Promise<void> | void;
	/**
	 * How many seconds a run waits for another one of the same stage to end, on this machine or another; an event says for
	 * whom. Default 0: it stops at once with `STATE_LOCKED`.
	 */
	waitForLock?: number;
	/**
	 * A file to which the run appends its spans (`run`, `phase`, `step`, `request`), a line of JSON when one begins and when
	 * it ends: names, statuses and durations, never a body or a secret. Default: nothing is traced.
	 */
	trace?: string;
	/** What stands around a run, where it is not the usual. */
	surroundings?: Surroundings;
}

/** How a plan is applied. */
export interface ApplyOptions extends RunOptions {
	/**
	 * The plan that the user was shown: `plan`'s for `deploy`, `planUndeploy`'s for `undeploy` and so on. If what would be done is
	 * no longer that, the run stops with `PLAN_STALE`, naming the steps that differ, before it changes anything.
	 */
	expectedPlan?: DeployPlan;
}

/** What stands around a run and is different in tests and on other machines. */
export interface Surroundings {
	/** The `node` to sniff with; default the one that runs this package. */
	node?: string;
	/** The folder of the sniffer's own JavaScript; default the one in this package. */
	sniffer?: string;
	/** The `docker` to build with; default `docker` of the `PATH`. */
	docker?: string;
	/** The recursive name servers to ask, each `address:port`; default the system's. */
	nameServers?: string[];
	/** The port on which authoritative name servers are asked; default 53. */
	authoritativePort?: number;
	/** The `git` to ask whether the state file is ignored; default `git` of the `PATH`. */
	git?: string;
	/** How long a request whose answer was lost may still take effect, in milliseconds; default 10000. */
	landingMillis?: number;
	/** How long an opened database may take to answer, in milliseconds; default 60000. */
	databaseDeadlineMillis?: number;
}

/** Keeps the state of stages. A state that `write` has resolved for must survive. */
export interface StateProvider {
	/** The state, or `null` if there is none yet. */
	read(stage: string): Promise<State | null>;
	write(stage: string, state: State): Promise<void>;
}

/** A DNS vendor. `name` within a zone is `@` for the zone itself. */
export interface DnsProvider {
	readonly name: string;
	getRecords(domain: string): Promise<DnsRecord[]>;
	/** Makes each record set be exactly what is given. */
	upsertRecords(domain: string, records: DnsUpsert[]): Promise<DnsUpsertResult[]>;
	/**
	 * Deletes record sets; one that is gone already is no error. It may answer with what became of each, in their order; one
	 * with `deleted: false` or an `error`, and without `notFound`, has failed.
	 */
	deleteRecords(domain: string, records: DnsRecordKey[]): Promise<unknown>;
}

/** The types of records that providers know; only `A` records are written. */
export type DnsRecordType = 'A' | 'AAAA' | 'CNAME' | 'MX' | 'TXT' | 'NS' | 'SRV' | 'CAA';

/** A record set's name and type. */
export interface DnsRecordKey {
	name: string;
	type: DnsRecordType;
}

/** All records of one name and type in a zone, of whatever type. */
export interface DnsRecord {
	name: string;
	type: string;
	/** In seconds. */
	ttl: number;
	values: string[];
}

/** A record set to write. */
export interface DnsUpsert extends DnsRecordKey {
	/** In seconds. */
	ttl: number;
	values: string[];
	/** The first of `values`: the only one unless records are put back that stood there before. */
	value: string;
}

/** What an upsert did, in the order of the records given. */
export interface DnsUpsertResult {
	created: boolean;
	unchanged: boolean;
}

/** What to build. */
export interface ImageBuild {
	app: string;
	/** The reference to build and push as. */
	reference: string;
	/** The absolute path of the Dockerfile. */
	dockerfile: string;
	/** The absolute path of the build context. */
	context: string;
	/** Public build-time variables; never secrets. */
	buildArgs: Record<string, string>;
	/** For instance `linux/amd64`. */
	platform: string;
}

/** What surrounds the call of a hook. */
export interface HookContext {
	/** Aborted when the run is cancelled. */
	signal: AbortSignal;
}

// -------------------------------------------------------------------------------------------------------- workspace

/** The CLI's workspace. Only what is listed here is read. */
export interface NormalizedWorkspace {
	name: string;
	/** The absolute path of its folder. */
	root: string;
	apps: Record<string, AppConfig>;
	services?: {
		db?: boolean | ServiceConfig;
		cache?: boolean | ServiceConfig;
		mail?: unknown;
		storage?: unknown;
		events?: unknown;
	};
	deploy?: {
		default?: string;
		dokploy?: {
			endpoint?: string;
			/** Per stage. */
			endpoints?: Record<string, string>;
			/** Where images are pushed, for instance `ghcr.io/org`; default that of `registryId`. */
			registry?: string;
			/** The registry on the server whose login is used where the request has no `credentials.registry`. */
			registryId?: string;
			/** The base domain per stage. */
			domains?: Record<string, string>;
		};
		dns?: DnsConfig | Record<string, DnsZoneConfig>;
		/** Backups of the database in a bucket of their own. */
		backups?: BackupsConfig;
	};
	shared?: unknown;
	secrets?: unknown;
	/** Where the state is kept; default a file of the workspace. */
	state?: StateConfig;
}

/** An app of a workspace. */
export interface AppConfig {
	/** Default `backend`. */
	type?: 'backend' | 'web' | 'mobile';
	/** Its folder, relative to the workspace's. */
	path: string;
	/** 1 to 65535. */
	port: number;
	/** The apps it calls. */
	dependencies?: string[];
	framework?: string;
	/** The entry file, relative to the app's folder. */
	entry?: string;
	routes?: RouteGlobs;
	constructs?: RouteGlobs;
	functions?: RouteGlobs;
	crons?: RouteGlobs;
	queues?: RouteGlobs;
	topics?: RouteGlobs;
	subscribers?: RouteGlobs;
	/** `path#export`. */
	envParser?: string;
	logger?: string;
	/** Files that parse their configuration when imported. */
	config?: { client?: string; server?: string };
	/** Listed by hand; takes the place of sniffing. */
	requiredEnv?: string[];
	/** Its host name: one, or one per stage. */
	domain?: string | Record<string, string>;
	deploy?: string;
	resolvedDeployTarget?: string;
	/** Apps whose database role may read this app's tables. */
	sharedWith?: string[];
	/** Relative to the workspace's folder; default `.gkm/docker/Dockerfile.{app}`. */
	dockerfile?: string;
	/** Run once with the new image before the app, and whatever depends on it, is deployed: its migrations. */
	release?: ReleaseConfig;
	/** How it is found out that it works; default: its port accepts connections. `false`: it does not listen. */
	health?: HealthConfig | false;
	runtime?: unknown;
	env?: unknown;
	hooks?: unknown;
	telescope?: unknown;
	studio?: unknown;
	openapi?: unknown;
	providers?: unknown;
}

/** A command that is run once before an app is deployed. */
export interface ReleaseConfig {
	/** The program and its arguments, in place of the image's own entry point and command. */
	command: string[];
	/**
	 * As whom it is in the database: as the app, or as the owner of the database, with a login that exists for that time
	 * only. Default `app`.
	 */
	as?: 'app' | 'owner';
	/** How long it may take, 1 to 86400; default 600. */
	timeoutSeconds?: number;
}

/** How it is found out that an app works. Without `path` and `command`, its port has to accept connections. */
export interface HealthConfig {
	/** A path that has to be answered with a status below 400, from within its container. Needs `curl`, `wget` or `node` there. */
	path?: string;
	/** A program and its arguments that has to end with status 0 in its container. */
	command?: string[];
	/** For how long after its start a failure does not count, 0 to 3600; default 30. */
	graceSeconds?: number;
	/** How many failures in a row make it unhealthy; default 3. */
	retries?: number;
	/** How often it is tried; default 5. */
	intervalSeconds?: number;
}

/** Where a route app's constructs are found. */
export type RouteGlobs = string | string[] | { paths: string | string[] };

/** Where the state is kept. */
export type StateConfig =
	| { provider: 'local' }
	| {
			/** AWS's parameter store: `/gkm/{workspace}/{stage}/state`, encrypted. */
			provider: 'ssm';
			region: string;
			/** A profile of `~/.aws`; default: what the AWS tools find. */
			profile?: string;
			/** Default `standard`: free, 4 KB. `advanced` is charged and holds 8 KB. */
			tier?: 'standard' | 'advanced' | 'intelligent-tiering';
	  }
	| {
			/** A bucket, at AWS or at what speaks its protocol: `{prefix}{workspace}/{stage}.json`. */
			provider: 's3';
			bucket: string;
			region?: string;
			/** The store's address; default AWS's own. */
			endpoint?: string;
			prefix?: string;
			/** Whether the bucket is part of the path; default: with an `endpoint`. */
			pathStyle?: boolean;
			profile?: string;
	  }
	/** An object with the methods of {@link StateProvider}, or a name for which `stateProvider` is given. */
	| { provider: unknown };

/** Backups of the database. */
export interface BackupsConfig {
	type: 's3';
	region: string;
	/** A profile of `~/.aws`; default: what the AWS tools find. */
	profile?: string;
	/** As cron has it; default `0 2 * * *`. */
	schedule?: string;
	/** How many are kept; default 30. */
	retention?: number;
}

/** Which image runs a service. */
export interface ServiceConfig {
	version?: string;
	image?: string;
}

/** A DNS zone's provider. */
export interface DnsZoneConfig {
	/** `hostinger`, `cloudflare`, `route53`, `manual`, an object with the methods of {@link DnsProvider}, or a name for which `dnsProviders` has one. */
	provider: unknown;
	/** In seconds; default 300. */
	ttl?: number;
	/** Of `route53`: the account's region, which only picks the part of AWS. */
	region?: string;
	/** Of `route53`: a profile of `~/.aws`. */
	profile?: string;
	/** Of `route53`: the hosted zone; default the longest public one that holds the host name. */
	hostedZoneId?: string;
}

/** The legacy form of `deploy.dns`: one zone. */
export interface DnsConfig extends DnsZoneConfig {
	domain: string;
}

// ---------------------------------------------------------------------------------------------------------- results

/** A server as a key sees it. */
export interface ServerCheck {
	/** Scheme, host and port. */
	endpoint: string;
	/** As the server says it, for instance `v0.30.2`. */
	version: string;
	user: {
		id: string;
		email: string;
		/** A role of the organization's own has another name. */
		role: 'owner' | 'admin' | 'member' | (string & {});
		organizationId: string;
	};
	permissions: KeyPermissions;
}

/** What a key may do of what a deployment needs. */
export interface KeyPermissions {
	createProjects: boolean;
	createEnvironments: boolean;
	/** Make applications and databases. */
	createServices: boolean;
	deleteServices: boolean;
	/** See tasks and containers, which `waitFor: 'running'` needs; tried. */
	seeContainers: boolean;
	/** See the queue of deployments, which `waitFor: 'deployed'` needs; tried. */
	seeQueue: boolean;
	/** List and make registries. */
	registries: boolean;
}

/** An image registry that a server is logged in to. */
export interface ServerRegistry {
	registryId: string;
	name: string;
	/** Its host. */
	url: string;
	username: string;
	/** What stands before the names of its images, if it is not the user. */
	imagePrefix?: string;
}

/** What is to be said of a workspace. */
export interface WorkspaceCheck {
	/** What makes it unusable, in the order of the document; empty for one that can be deployed. */
	faults: WorkspaceFault[];
	/** What it declares and a deployment does not do. */
	warnings: WorkspaceFault[];
}

/** Something about a workspace that its author has to know. */
export interface WorkspaceFault {
	/** For instance `apps.auth.port`; empty for the workspace as a whole. */
	path: string;
	message: string;
}

/** A variable whose value follows from the deployment. */
export interface AutomaticVariable {
	/** `{APP}` in it stands for the name of an app, in upper case and with `-` as `_`. */
	name: string;
	source:
		| 'app'
		| 'stage'
		| 'database'
		| 'cache'
		| 'host'
		| 'trusted-origins'
		| 'dependency'
		| 'generated';
	/** Whether every app gets it, also one that does not ask for it. */
	always: boolean;
	description: string;
}

/** The result of a deployment. */
export interface DeployReport {
	/** Each app of the workspace, in the order of declaration. */
	apps: AppReport[];
	projectId: string;
	environmentId: string;
	/** How many steps changed something. */
	changes: number;
	durationMs: number;
	dns: DnsReport;
	/** How the database was reached, and why that way, when this run worked on it. */
	databaseAccess?: { way: 'external-port' | 'internal'; reason: string };
	/** Where the database is backed up, when the workspace declares backups. */
	backups?: { bucket: string; schedule: string; changed: boolean };
	/** The roles of removed apps that this run barred from logging in; their data stays. */
	retiredRoles?: RetiredRole[];
	/** The apps that went back to an earlier deployment, or were to. */
	rolledBack?: RolledBackApp[];
	/** The proof of isolation, when one was made in this run. */
	isolation?: IsolationReport;
}

/** An app that went back to an earlier deployment, or was to. */
export interface RolledBackApp {
	appName: string;
	/** The deployment, by which a request can name it in `to`; absent when there was none to go back to. */
	deployment?: string;
	/** When the run began that made it, as ISO 8601. */
	at?: string;
	image?: string;
	/** Whether the app was seen running as it was then. */
	restored: boolean;
	/** What stays as it is all the same, in words: what releases have changed in the database since. */
	notUndone?: string[];
	/** Why it was not restored. */
	reason?: string;
}

/** The role of an app that the workspace no longer declares. */
export interface RetiredRole {
	appName: string;
	role: string;
	/** What is kept, for instance `schema auth: 12 tables`. */
	kept: string[];
}

/** What became of an app. */
export interface AppReport {
	appName: string;
	type: 'backend' | 'web' | 'mobile';
	/** What was seen of it; never more. */
	status: 'queued' | 'deployed' | 'running' | 'skipped' | 'failed';
	applicationId?: string;
	/** The image it was deployed with. */
	image?: string;
	host?: string;
	url?: string;
	/** `pending`: its DNS does not answer yet, the next run attaches it. `none`: not wanted. */
	domain: 'attached' | 'pending' | 'none';
	/** Whether this run changed it. */
	changed: boolean;
	/** Why it was changed, skipped, or failed. */
	reason: string;
}

/** What became of the host names. */
export interface DnsReport {
	/** Absent when no host name needed it. */
	serverIp?: string;
	hosts: HostReport[];
}

/** What became of a host name. */
export interface HostReport {
	host: string;
	appName: string;
	/** The zone in which it lies, and its name there (`@` for the zone itself); absent when no zone holds it. */
	zone?: string;
	name?: string;
	/** Absent when no zone holds it. */
	provider?: string;
	/** `none`: no zone holds the host name; `pending`: the run was cancelled before. */
	record: 'created' | 'updated' | 'unchanged' | 'manual' | 'none' | 'failed' | 'pending';
	/** The value that its A record has to have. */
	value?: string;
	/** The values that this run replaced. */
	replaced?: string[];
	/** Whether its authoritative servers answer with the server's address, or its vendor's proxy leads there. */
	verified: boolean;
	/** Why it is not verified, or that a proxy answers for it. */
	reason?: 'no-zone' | 'manual' | 'not-answering' | 'failed' | 'proxied';
	/** The same in words, with what the user has to do. */
	message?: string;
}

/** What every app's database role can and cannot reach, as tried on the database. */
export interface IsolationReport {
	database: string;
	/** How many statements and privileges were checked. */
	checks: number;
	/** What was checked, by role and by what it was checked against. */
	matrix: IsolationScope[];
	/** Each outcome that is not as it must be; empty where the apps are isolated. */
	broken: IsolationCheck[];
	/**
	 * What app roles may do where no app of the workspace is the owner, and ways that a master laid on purpose: functions
	 * and views that act as somebody else, foreign servers, parameters. Told, not judged.
	 */
	unmanaged: IsolationGrant[];
}

/** Checks of one role against one thing, all with the same outcome expected. */
export interface IsolationScope {
	role: string;
	/** For instance `schema admin_auth`, with all that is in it. */
	object: string;
	/** Whether these checks must be allowed, else refused. */
	allowed: boolean;
	checks: number;
}

/** Something that an app role may do. */
export interface IsolationGrant {
	role: string;
	object: string;
	/** For instance `SELECT`. */
	privilege: string;
}

/** A check whose outcome is not as it must be. */
export interface IsolationCheck extends IsolationGrant {
	expected: boolean;
	actual: boolean;
	/** What the database answered, where it was neither a success nor a refusal. */
	note?: string;
}

/** The result of an undeployment. */
export interface UndeployReport {
	/** What was removed. */
	removed: string[];
	/** What was put back. */
	restored: string[];
	/** What stays, and why. */
	kept: string[];
	/** The same as data: each resource that was to go, and what became of it. */
	resources: RemovedResource[];
	durationMs: number;
}

/** A resource that an undeployment was to remove. */
export interface RemovedResource {
	/** For instance `application auth`. */
	resource: string;
	app?: string;
	outcome: 'removed' | 'restored' | 'kept' | 'failed' | 'not-reached';
	/** What was put back, for a DNS record in whose place another one stood before. */
	values?: string[];
	/** Why it stays, or what failed. */
	reason?: string;
}

/** The result of a rotation of credentials. */
export interface RotationReport {
	/** Each app whose credentials were to change. */
	apps: RotatedApp[];
	/** How many steps changed something. */
	changes: number;
	/** How the database was reached, when it had to be. */
	databaseAccess?: { way: 'external-port' | 'internal'; reason: string };
	durationMs: number;
}

/** An app whose credentials were to change. */
export interface RotatedApp {
	appName: string;
	/** The variables that carry them, for instance `DATABASE_URL`. */
	credentials: string[];
	/** Whether all are new, the app was seen running with them, and the former ones do not work any more. */
	finished: boolean;
	/** What went wrong. */
	reason?: string;
}

/** The ordered graph of steps that turns what is observed into what is wanted. */
export interface DeployPlan {
	stage: string;
	/** A step depends only on earlier ones. */
	steps: PlanStep[];
	/** How many of them change something. */
	changes: number;
	/** What changed behind our back, and what the user should know. */
	notes: string[];
}

/** One step of a plan. */
export interface PlanStep {
	/** Stable between runs, for instance `app:auth:deploy`. */
	id: string;
	action: 'create' | 'update' | 'keep' | 'delete';
	/** For instance `application auth`. */
	resource: string;
	app?: string;
	/** Why. */
	reason: string;
	/** The ids of the steps that come first. */
	dependsOn: string[];
	/** The variables that change, without their values. */
	variables?: VariableChange[];
	/** What restarts because of it. */
	restarts?: string[];
	/** Whether it opens the database's external port for a while; one that does so only if another way fails says `false`. */
	opensPort: boolean;
	/** What is replaced, what is known only after apply. */
	details?: string[];
}

/** A variable that changes. `unknown`: its value is known only after apply. */
export interface VariableChange {
	name: string;
	change: 'added' | 'changed' | 'removed' | 'unknown';
}

// ----------------------------------------------------------------------------------------------------------- events

/** Something that happened in a run. Narrow on `type`. Never carries a secret. */
export type DeployEvent =
	| { type: 'phase-started'; phase: DeployPhase }
	| { type: 'app-sniffed'; app: string; required: string[]; optional: string[]; cached: boolean }
	| { type: 'planned'; changes: number; /** For people. */ text: string; plan: DeployPlan }
	| (StepEvent & {
			type: 'step-started';
			/** Why. */
			reason: string;
			/** What it is doing, in words: `Creating application auth`. */
			title: string;
	  })
	| { type: 'step-progress'; step: string; /** For instance `starting`. */ progress: string; app?: string }
	| (StepEvent & {
			type: 'step-finished';
			/** What it has done, in words: `Created application auth`. */
			title: string;
			durationMs: number;
	  })
	| (StepEvent & { type: 'step-skipped'; /** Why. */ reason: string })
	| (StepEvent & { type: 'step-failed'; code: DeployErrorCode; message: string; durationMs: number })
	| { type: 'log'; step?: string; app?: string; /** Redacted, without its newline. */ line: string }
	| { type: 'waiting-for-lock'; /** Which run: process, machine, since when. */ message: string }
	| { type: 'warning'; /** A stable name. */ code: string; message: string; app?: string };

/** What every event of a step says of it. */
export interface StepEvent {
	/** Its id. */
	step: string;
	action: PlanStep['action'];
	/** For instance `application auth`. */
	resource: string;
	app?: string;
}

/** A phase of a run, in order. */
export type DeployPhase = 'sniff' | 'resolve' | 'observe' | 'plan' | 'apply';

// ----------------------------------------------------------------------------------------------------------- errors

/** A failure: what, where, and what to do next. Its texts never contain a secret. */
export class DeployError extends Error {
	private constructor();
	readonly name: 'DeployError';
	/** What kind of failure; stable across versions. */
	readonly code: DeployErrorCode;
	/** The app that is concerned. */
	readonly app?: string;
	/** The stage that is concerned. */
	readonly stage?: string;
	/** The server that is concerned: scheme, host and port. */
	readonly endpoint?: string;
	/** The resource that is concerned. */
	readonly resource?: string;
	/** The step that failed. */
	readonly step?: string;
	/** Tells apart failures of one code, for instance `crash-loop` of `DEPLOYMENT_FAILED`. */
	readonly reason?: string;
	/** Whether the same call may succeed later without a change. */
	readonly retryable: boolean;
	/** What to do next: a command or a setting. */
	readonly hint?: string;
	/** The tail of the log that belongs to it. */
	readonly log?: string;
	/** With `MISSING_ENV`: the variables that nothing provides, by app. */
	readonly missing?: Readonly<Record<string, readonly string[]>>;
	/** Every failure of the run, when there were several (`MULTIPLE`). */
	readonly errors: readonly DeployError[];
	/** What became of each app all the same, also of a run that was cancelled; absent when nothing was begun. */
	readonly report?: DeployReport;
	/** The underlying error; with `CANCELLED` the signal's reason, with `HOOK_FAILED` what the hook threw. */
	readonly cause?: unknown;
}

/** Every error code; see `docs/troubleshooting.md`. */
export type DeployErrorCode =
	| 'INVALID_REQUEST'
	| 'INVALID_WORKSPACE'
	| 'MISSING_ENV'
	| 'ENV_NOT_REPRESENTABLE'
	| 'SNIFF_FAILED'
	| 'STATE_LOCKED'
	| 'STATE_CORRUPT'
	| 'STATE_IO'
	/** Somebody else has written the state since it was read. What they wrote stays. */
	| 'STATE_CONFLICT'
	| 'STATE_LOST'
	| 'STATE_OUTDATED'
	| 'PROVIDER_UNSUPPORTED'
	| 'DOKPLOY_UNREACHABLE'
	| 'DOKPLOY_UNAUTHORIZED'
	| 'DOKPLOY_FORBIDDEN'
	| 'DOKPLOY_UNSUPPORTED'
	| 'DOKPLOY_REQUEST'
	| 'RESOURCE_NOT_OURS'
	| 'RESOURCE_AMBIGUOUS'
	| 'DNS_ZONE_NOT_FOUND'
	| 'DNS_PROVIDER'
	| 'DNS_RECORD_FOREIGN'
	| 'DNS_RESOLUTION'
	| 'POSTGRES_UNREACHABLE'
	| 'POSTGRES_AUTHENTICATION'
	| 'POSTGRES_QUERY'
	| 'ISOLATION_BROKEN'
	| 'DATABASE_PORT'
	| 'IMAGE_BUILD'
	| 'IMAGE_PUSH'
	| 'IMAGE_REGISTRY'
	| 'DEPLOYMENT_FAILED'
	/** Backups could not be set up, made or removed. */
	| 'BACKUP_FAILED'
	| 'RELEASE_FAILED'
	| 'NO_EARLIER_DEPLOYMENT'
	| 'PLAN_STALE'
	| 'CANCELLED'
	| 'HOOK_FAILED'
	| 'PLATFORM_UNSUPPORTED'
	| 'PACKAGE_MISSING'
	| 'MULTIPLE'
	| 'INTERNAL';

/** Every error code, in the order of the documentation. */
export const errorCodes: readonly DeployErrorCode[];

// -------------------------------------------------------------------------------------------------------- variables

/** How sniffing is carried out. Unknown fields are errors. */
export interface SniffOptions {
	/** Cancels it; the app's process is killed. */
	signal?: AbortSignal;
	/** Whether answers for unchanged apps are taken from the cache; default `true`. */
	cache?: boolean;
	/** How long one app may take before its process is killed; default 30. */
	deadlineSeconds?: number;
	surroundings?: Surroundings;
}

/** What an entry file needs; `required` and `optional` mean what they mean in {@link SniffedEnvironment}. */
export interface SniffedEntry {
	/** Every variable it asks for, sorted: the required and the optional ones. */
	envVars: string[];
	/** The variables it cannot do without, sorted. */
	requiredEnvVars: string[];
	/** The variables it can do without, sorted. */
	optionalEnvVars: string[];
	/** Why the result may be partial; absent when the file ran as far as it should. */
	error?: SniffFailure;
	/** Where each was asked for. */
	evidence: Evidence[];
}

/** What an app needs. A file that is not deployed, such as `.env`, changes nothing of it. */
export interface SniffedEnvironment {
	appName: string;
	/**
	 * The variables it cannot do without, sorted: a schema refuses absence, a construct names it, the app does not load
	 * without it, or what a route app always loads reads it and has nothing in its place.
	 */
	requiredEnvVars: string[];
	/**
	 * The variables it can do without, sorted: schemas accept absence, the app gives a value, or no construct uses the
	 * service that asks. {@link Evidence.reason} says which.
	 */
	optionalEnvVars: string[];
	/** Where each was found. */
	evidence: Evidence[];
	/** Why the result may be partial. */
	error?: SniffFailure;
	/** Whether it came from the cache. */
	cached: boolean;
}

/** Why a sniff did not run to its end. */
export interface SniffFailure {
	kind: 'syntax' | 'unresolved-import' | 'deadline' | 'threw' | 'exited' | 'crashed' | 'no-entry' | 'no-node' | (string & {});
	/** The app's own message, redacted and shortened. */
	message: string;
	/** The app's own stack, trimmed to its files. */
	stack?: string;
	/** The file that is concerned, relative to the workspace. */
	file?: string;
	/** What to do about it, and what `requiredEnv` would be to go on without. */
	hint?: string;
	/** Whether names were captured before. */
	partial: boolean;
	/** Whether a deployment must stop on it. */
	fatal: boolean;
}

/** Why we believe that an app uses a variable. */
export interface Evidence {
	name: string;
	/**
	 * `source`: read in code that does not run while the app is loaded; `construct`: named by a construct of a route app;
	 * `process-env`: read from `process.env`; unless it is required it stands in neither list.
	 */
	source: 'envkit' | 'source' | 'construct' | 'required-env' | 'dependency' | 'process-env';
	/** Relative to the workspace. */
	file?: string;
	/** From 1. */
	line?: number;
	optional: boolean;
	/** Why it is optional. */
	reason?: string;
}

/** What is known about one app when its variables are resolved. Unknown fields are errors. */
export interface EnvContext {
	appName: string;
	/** `development` makes `NODE_ENV` `development`, any other `production`. */
	stage: string;
	/** For `PORT`. */
	port: number;
	/** The app's public host name, for `BETTER_AUTH_URL`. */
	host?: string;
	/** The addresses of the front ends it trusts, for `BETTER_AUTH_TRUSTED_ORIGINS`. */
	trustedOrigins?: string[];
	/** The address of each app it depends on, for `{APP}_URL`. */
	dependencyUrls?: Record<string, string>;
	/** The app's own access to the database, for `DATABASE_URL`. */
	postgres?: { host?: string; port?: number; database: string; user: string; password: string };
	/** For `REDIS_URL`. */
	redis?: { host?: string; port?: number; password?: string };
	/** What earlier runs generated for this app. */
	generatedSecrets?: Record<string, string>;
	/** What the user provides. */
	secrets?: AppSecrets | StageSecrets;
	/** Variables it can do without: resolved where there is a value, never missing. */
	optionalVars?: string[];
}

/** Where the variables of one app come from. Holds secrets in clear. */
export interface EnvResolution {
	/** `NODE_ENV` first, then in the order asked for. */
	resolved: Record<string, string>;
	missing: string[];
	/** What was generated now. */
	generated: Record<string, string>;
	/** Variables that will have a value once the service they point to exists. */
	knownAfterApply?: string[];
	/** Variables whose given value is not used, because it follows from the deployment. */
	overridden?: string[];
}

// ------------------------------------------------------------------------------------------------------------ state

/** The backups of a stage's database, as the CLI records them; texts are empty of what is not made yet. */
export interface BackupState {
	bucketName: string;
	bucketArn: string;
	iamUserName: string;
	iamAccessKeyId: string;
	iamSecretAccessKey: string;
	destinationId: string;
	postgresBackupId?: string;
	region: string;
	createdAt: string;
}

/** What is remembered of a stage between runs: the content of `.gkm/deploy-{stage}.json`. */
export interface State {
	provider: 'dokploy';
	stage: string;
	projectId?: string;
	environmentId: string;
	/** App name to application id. */
	applications: Record<string, string>;
	services: { postgresId?: string; redisId?: string };
	/** Per-app database credentials. */
	appCredentials?: Record<string, { dbUser: string; dbPassword: string }>;
	/** App to variable to generated value. */
	generatedSecrets?: Record<string, Record<string, string>>;
	/** Host names whose records were seen to be right. */
	dnsVerified?: Record<string, { serverIp: string; verifiedAt: string }>;
	/** The DNS records that we wrote, by `name:type`. */
	dnsRecords?: Record<string, DnsRecordState>;
	/** The backups of the database. */
	backups?: BackupState;
	/** As ISO 8601; empty before the first deployment that ended well. */
	lastDeployedAt: string;
	/** What this package remembers beyond the fields above; its shape is its own. */
	deployNative?: Record<string, unknown>;
}

/** A DNS record that we wrote. */
export interface DnsRecordState {
	domain: string;
	name: string;
	type: string;
	value: string;
	/** In seconds. */
	ttl: number;
	createdAt: string;
	/** The app whose host name it is, or was last; absent in the files of the CLI. */
	app?: string;
	/** What stood there before us; put back by {@link undeploy}. */
	previous?: { values: string[]; ttl: number };
}
