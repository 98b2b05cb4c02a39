'use strict';

// Runs what a job names: an entry or configuration file, route files with their constructs, an environment parser, or what
// an app runs beside itself.

const nodeModule = require('node:module');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const process = require('node:process');
const { pathToFileURL } = require('node:url');
const { CODE } = require('./assets.cjs');
const capture = require('./capture.cjs');
const channel = require('./channel.cjs');
const project = require('./project.cjs');
const { resolveUrl } = require('./resolve.cjs');
const { compiled } = require('./source.cjs');
const { fromApp, parserFor } = require('./parser.cjs');

// Hooks may wait for what is only there where the app is deployed.
const LONGEST_HOOK_MS = 2_000;
const { setTimeout: later } = globalThis;

async function loadTarget(target) {
  if (target.kind === 'offshoot') return loadOffshoot(target);
  if (target.kind === 'entry' && isCommonJs(target.file)) return loadMain(target.file);
  const exports = await import(pathToFileURL(target.file).href);
  if (target.kind === 'routes') await askConstructs(exports, target.file);
  else if (target.kind === 'env-parser') await callParser(exports, target);
  else if (target.kind === 'module') given.logger = exportOf(exports, target);
  else if (target.kind === 'hooks') await callHooks(exports, target.file);
}

// As the main module, so that `require.main === module` holds.
function loadMain(file) {
  nodeModule._load(file, null, true);
}

// A file that the app runs in another process or thread, or imports later, by the name that it has for it.
async function loadOffshoot({ file: name, specifier = name, from = name }) {
  const url = resolveUrl(specifier, from);
  const file = project.fileOf(url);
  if (file === undefined || !project.isOwn(file) || !CODE.has(path.extname(file))) {
    if (file === undefined) channel.send('not-found', { file: name });
    return;
  }
  process.argv[1] = file;
  if (isCommonJs(file)) loadMain(file);
  else await import(url);
}

// What the generated server hands to its hooks.
const given = {};

// Calls the hooks as the generated server does, around the set-up of its routes.
async function callHooks(exports, file) {
  const hono = await fromApp(file, ['hono']);
  // What is not called is read from the source.
  if (hono === undefined) return;
  const app = new hono.Hono();
  for (const name of ['beforeSetup', 'afterSetup']) {
    if (typeof exports[name] !== 'function') continue;
    const called = (async () => exports[name](app, { envParser: given.envParser, logger: given.logger ?? console }))();
    await Promise.race([called, new Promise((resolve) => later(resolve, LONGEST_HOOK_MS).unref())]);
  }
}

function exportOf(exports, { export: name }) {
  return exports[name] ?? exports.default?.[name];
}

function isCommonJs(file) {
  const made = compiled(file);
  if (made !== undefined) return made.format === 'commonjs';
  if (file.endsWith('.mjs')) return false;
  return file.endsWith('.cjs') || (project.packageOf(file)?.type !== 'module' && !looksLikeModule(file));
}

// A `.js` file without a type in its package: Node looks at its syntax.
function looksLikeModule(file) {
  return /^\s*(?:import[\s{*"']|export[\s{*]|await\s)/m.test(readFileSync(file, 'utf8'));
}

// A construct is whatever says what it needs: endpoints, functions, crons, queues, topics, subscribers.
async function askConstructs(exports, file) {
  const asked = new Set();
  for (const value of [...Object.values(exports), ...Object.values(exports.default ?? {})]) {
    if (value === null || !['object', 'function'].includes(typeof value) || asked.has(value)) continue;
    asked.add(value);
    if (typeof value.getEnvironment !== 'function') continue;
    for (const service of servicesOf(value)) channel.send('uses', { service });
    const before = capture.names();
    const names = await value.getEnvironment({ markOptional: true });
    for (const declared of names ?? []) {
      const optional = declared.endsWith('?');
      const name = optional ? declared.slice(0, -1) : declared;
      // What its services asked of envkit meanwhile is known better from there.
      if (!capture.askedByConstructs(name, before)) channel.send('declared', { name, optional, file });
    }
  }
}

// The names of the services that a construct uses, in whichever of its members they are.
function servicesOf(construct) {
  const members = Object.values(construct).flatMap((member) => (Array.isArray(member) ? member : [member]));
  const isService = (member) => typeof member?.serviceName === 'string' && typeof member.register === 'function';
  return members.filter(isService).map((service) => service.serviceName);
}

// Calls the function with a parser of the app's own envkit, and parses what it returns.
async function callParser(exports, target) {
  const { file, export: name } = target;
  const value = exportOf(exports, target);
  given.envParser = value;
  const result = typeof value === 'function' ? await value(await parserFor(file)) : value;
  if (typeof value !== 'function' && typeof value?.parse !== 'function' && typeof value?.create !== 'function') {
    const error = new Error(`"${name}" is not exported as a function`);
    error.code = 'SNIFF_NO_EXPORT';
    throw error;
  }
  if (typeof result?.parse === 'function') result.parse();
}

module.exports = { loadTarget };
