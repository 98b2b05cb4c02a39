'use strict';

// Watches which files of the workspace the app reads by itself, whether they exist or not: the answer depends on them. Files
// that are not deployed it does not find.

const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const path = require('node:path');
const { fileURLToPath } = require('node:url');
const { promisify } = require('node:util');
const channel = require('./channel.cjs');
const project = require('./project.cjs');
const undeployed = require('./undeployed.cjs');

const METHODS = [
  'readFileSync', 'readFile', 'openSync', 'open', 'createReadStream', 'existsSync', 'exists', 'statSync', 'stat',
  'lstatSync', 'lstat', 'accessSync', 'access', 'readdirSync', 'readdir', 'opendirSync', 'opendir', 'realpathSync',
  'realpath', 'readlinkSync', 'readlink', 'copyFileSync', 'copyFile', 'cpSync', 'cp', 'openAsBlob', 'watch',
];
const PROMISES = [
  'readFile', 'open', 'stat', 'lstat', 'access', 'readdir', 'opendir', 'realpath', 'readlink', 'copyFile', 'cp', 'watch',
];

const INSTALLED = `${path.sep}node_modules${path.sep}`;
const WRITING = fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT;

const seen = new Set();

function watch() {
  for (const name of METHODS) watchMethod(fs, name);
  for (const name of PROMISES) watchMethod(fs.promises, name);
  for (const name of ['readdirSync', 'readdir']) hideNames(fs, name);
  hideNames(fs.promises, 'readdir');
  hideEntries(fs.Dir.prototype);
  undeployed.hideFromNode();
  syncBuiltinESMExports();
}

function watchMethod(owner, name) {
  const isOpen = name.startsWith('open') && !name.startsWith('opendir');
  replace(owner, name, (method) => function (file, ...rest) {
    // Most calls are Node's own, for the modules that it loads: what is told at a glance is told first.
    if (typeof file === 'string' && file.startsWith('/') && file.includes(INSTALLED) && !file.includes('..')) {
      return Reflect.apply(method, this, [file, ...rest]);
    }
    const absolute = toPath(file);
    const replacement = absolute === undefined || (isOpen && isWriting(rest[0])) ? undefined : undeployed.replacementOf(absolute);
    if (replacement === undefined) note(absolute);
    return Reflect.apply(method, this, [replacement ?? file, ...rest]);
  });
}

function replace(owner, name, make) {
  const method = owner[name];
  if (typeof method !== 'function') return;
  const made = make(method);
  // The promisified form of `exists` would ask past us.
  if (name === 'exists') made[promisify.custom] = (file) => new Promise((resolve) => made(file, resolve));
  for (const key of Reflect.ownKeys(method)) {
    // What hangs on a method, such as its `native` form, hangs on ours too.
    if (!Object.hasOwn(made, key)) Object.defineProperty(made, key, Object.getOwnPropertyDescriptor(method, key));
  }
  owner[name] = made;
}

function isWriting(flags) {
  return typeof flags === 'number' ? (flags & WRITING) !== 0 : typeof flags === 'string' && /[wa+]/.test(flags);
}

// What a folder is said to hold: by a value, a promise of one, or a callback.
function hideNames(owner, name) {
  replace(owner, name, (method) => function (folder, ...rest) {
    const kept = (entries) => (Array.isArray(entries) ? entries.filter((entry) => isShown(folder, entry)) : entries);
    const callback = rest.at(-1);
    if (typeof callback === 'function') {
      rest[rest.length - 1] = (error, entries) => callback(error, kept(entries));
    }
    const result = Reflect.apply(method, this, [folder, ...rest]);
    return typeof result?.then === 'function' ? result.then(kept) : kept(result);
  });
}

function isShown(folder, entry) {
  const base = toPath(folder);
  if (base === undefined || entry === null) return true;
  const isEntry = typeof entry === 'object' && !Buffer.isBuffer(entry);
  return !undeployed.isHidden(isEntry ? (entry.parentPath ?? base) : base, isEntry ? entry.name : entry);
}

// The same for folders that are read entry by entry.
function hideEntries(prototype) {
  replace(prototype, 'readSync', (method) => function () {
    let entry;
    do entry = Reflect.apply(method, this, []);
    while (!isShown(this.path, entry));
    return entry;
  });
  replace(prototype, 'read', (method) => function (callback) {
    if (typeof callback !== 'function') {
      return Reflect.apply(method, this, []).then((entry) => (isShown(this.path, entry) ? entry : this.read()));
    }
    const next = (error, entry) => (error || isShown(this.path, entry) ? callback(error, entry) : this.read(callback));
    return Reflect.apply(method, this, [next]);
  });
  for (const name of ['entries', Symbol.asyncIterator]) {
    replace(prototype, name, (method) => async function* () {
      for await (const entry of Reflect.apply(method, this, [])) if (isShown(this.path, entry)) yield entry;
    });
  }
}

function note(file) {
  if (file === undefined || seen.has(file)) return;
  seen.add(file);
  if (project.isOwn(file)) channel.queue('read', { file });
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
