'use strict';

// Watches which files of the workspace the app reads by itself, whether they exist or not: the answer depends on them.

const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const path = require('node:path');
const { fileURLToPath } = require('node:url');
const channel = require('./channel.cjs');
const project = require('./project.cjs');

const METHODS = [
  'readFileSync', 'readFile', 'openSync', 'open', 'createReadStream', 'existsSync', 'exists', 'statSync', 'stat',
  'lstatSync', 'lstat', 'accessSync', 'access', 'readdirSync', 'readdir', 'opendirSync', 'opendir', 'realpathSync',
];
const PROMISES = ['readFile', 'open', 'stat', 'lstat', 'access', 'readdir', 'opendir', 'realpath'];

const INSTALLED = `${path.sep}node_modules${path.sep}`;

const seen = new Set();

function watch() {
  for (const name of METHODS) watchMethod(fs, name);
  for (const name of PROMISES) watchMethod(fs.promises, name);
  const { loadEnvFile } = process;
  if (loadEnvFile !== undefined) {
    process.loadEnvFile = (file = '.env') => {
      note(file);
      return loadEnvFile(file);
    };
  }
  syncBuiltinESMExports();
}

function watchMethod(owner, name) {
  const method = owner[name];
  const watched = function (file, ...rest) {
    note(file);
    return Reflect.apply(method, this, [file, ...rest]);
  };
  for (const key of Reflect.ownKeys(method)) {
    // What hangs on a method, such as its promisified form, hangs on ours too.
    if (!Object.hasOwn(watched, key)) Object.defineProperty(watched, key, Object.getOwnPropertyDescriptor(method, key));
  }
  owner[name] = watched;
}

function note(file) {
  // Most calls are Node's own, for the modules that it loads: what is told at a glance is told first.
  if (typeof file === 'string' && file.startsWith('/') && file.includes(INSTALLED) && !file.includes('..')) return;
  const absolute = toPath(file);
  if (absolute === undefined || seen.has(absolute)) return;
  seen.add(absolute);
  if (project.isOwn(absolute)) channel.queue('read', { file: absolute });
}

function toPath(file) {
  try {
    if (typeof file === 'string') return path.resolve(file);
    if (file instanceof URL) return fileURLToPath(file);
    return Buffer.isBuffer(file) ? path.resolve(file.toString()) : undefined;
  } catch {
    return undefined;
  }
}

module.exports = { watch };
