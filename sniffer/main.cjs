'use strict';

// The worker: runs in a process of its own, loads an app's files and reports what they ask for, then ends itself.
//
// `node main.cjs <job>`; the job is JSON: { records, nonce, root, appFolder, targets: [{ kind, file, export? }],
// assumed: [{ name, attempt, listed }], emptyFile? }.

const { existsSync } = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');
const process = require('node:process');
const { pathToFileURL } = require('node:url');
const { inspect } = require('node:util');
const channel = require('./channel.cjs');
const project = require('./project.cjs');
const libraries = require('./libraries.cjs');
const typescript = require('./typescript.cjs');
const interop = require('./interop.cjs');
const { patchExports } = require('./capture.cjs');
const assumed = require('./assumed.cjs');
const environment = require('./environment.cjs');
const lowered = require('./lowered.cjs');
const files = require('./files.cjs');
const { ownFrames, ownStack } = require('./location.cjs');
const { loadTarget } = require('./targets.cjs');
const surroundings = require('./surroundings.cjs');
const resolve = require('./resolve.cjs');
const { settle } = require('./settle.cjs');
const offshoots = require('./offshoots.cjs');
const source = require('./source.cjs');
const undeployed = require('./undeployed.cjs');
const { endOffspring } = require('./offspring.cjs');

const job = JSON.parse(process.argv[2]);
const { exit: end, kill } = process;

channel.open(job.records, job.nonce);
project.setRoots(job.root, job.appFolder);
libraries.setAppFolder(job.appFolder);
source.setFormat(job.format);
lowered.install();

Object.defineProperty(globalThis, Symbol.for('gkm.sniff'), {
  value: {
    patch: patchExports,
    finished: (file) => channel.queue('finished', { file }),
    env: () => process.env,
    ...interop.bridge,
  },
});

const entry = job.targets[0].file;
const entryUrl = pathToFileURL(entry).href;
resolve.setEntry(job.targets[0].from ?? entry);
// The app sees the command line that it will see when it is deployed.
process.argv = [process.execPath, entry];
process.execArgv = [];

if (typeof nodeModule.registerHooks === 'function') require('./hooks-sync.cjs').install(entryUrl);
else require('./hooks-20.cjs').install(entryUrl, job);

surroundings.contain();
assumed.install(job.assumed);
if (job.emptyFile !== undefined) undeployed.useEmpty(job.emptyFile);
environment.watch();
files.watch();
offshoots.watch();
if (job.targets.every(({ kind }) => kind === 'offshoot')) offshoots.imitate();
// Before the app's own listeners: it may end itself.
process.on('exit', (code) => {
  channel.send('exiting', { code: Number(code) || 0, stack: ownFrames() });
  endOffspring();
});
process.on('uncaughtException', (error) => report('background', error));
process.on('unhandledRejection', (error) => report('background', error));

function report(phase, error, file) {
  // CommonJS cannot wait for a module that awaits at its top level: a bundler makes ES modules of such an app.
  if (error?.code === 'ERR_REQUIRE_ASYNC_MODULE') channel.send('asynchronous', {});
  channel.send('threw', { phase, file, ...facts(error) });
}

// Where a file is wrong, for syntax errors of which Node does not say it: the first loaded file that does not parse.
function misplaced() {
  for (const file of channel.sent('loaded')) {
    const problem = typescript.problem(file);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

// What can be said of anything that was thrown, also where it is not an error.
function facts(error) {
  try {
    const isError = error !== null && typeof error === 'object';
    return {
      name: String((isError && error.name) || typeof error).slice(0, 200),
      message: `${String((isError ? (error.message ?? JSON.stringify(error)) : error) ?? error).slice(0, 4_000)}${hintOf(error)}`,
      detail: inspect(error, { depth: 6 }).slice(0, 16_000),
      code: isError && error.code !== undefined ? String(error.code) : undefined,
      syntax: error instanceof SyntaxError,
      stack: isError ? ownStack(error.stack) : [],
      where: error instanceof SyntaxError ? placeOf(error) : undefined,
    };
  } catch {
    return { name: 'unknown', message: 'a value that cannot be shown', stack: [] };
  }
}

// Says it where packages are nowhere that Node could find them.
function hintOf(error) {
  if (!['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(error?.code)) return '';
  const manifests = [job.root, job.appFolder].map((folder) => path.join(folder, '.pnp.cjs'));
  return manifests.some((file) => existsSync(file))
    ? ". Yarn Plug'n'Play keeps packages where only it finds them: set `nodeLinker: node-modules`, or list `requiredEnv`"
    : '';
}

function placeOf(error) {
  const first = String(error.stack ?? '').split('\n', 1)[0];
  return first.startsWith('file:') || first.startsWith('/') ? first.slice(0, 1_000) : misplaced();
}

async function run() {
  for (const target of job.targets) {
    channel.send('started', { file: target.file, kind: target.kind });
    try {
      await loadTarget(target);
      channel.send('settled', { file: target.file });
    } catch (error) {
      report('evaluation', error, target.file);
    }
  }
  await settle();
  channel.send('ended', {});
  // Takes along whatever the app has started and left running.
  try {
    endOffspring();
    kill(-process.pid, 'SIGKILL');
  } catch {
    end(0);
  }
}

process.on('beforeExit', () => channel.send('drained', {}));
run();
