'use strict';

// Answers for the modules of installed packages what is certain about their imports, without asking Node: most modules that
// an app loads are such, and Node's own way to them costs more than reading them.

const { readFileSync, readdirSync, realpathSync, statSync } = require('node:fs');
const path = require('node:path');
const project = require('./project.cjs');

const INSTALLED = '/node_modules/';
// A relative path that means the same as a URL and as a path, with nothing left out.
const RELATIVE = /^\.\.?\/[\w@$+,=~./-]+\.m?js$/;
const BARE = /^(?:@[\w.-]+\/)?[\w-][\w.-]*(?:\/[\w@$+,=~./-]+)?$/;

const folders = new Map();
const files = new Map();
const scopes = new Map();
const formats = new Map();
const found = new Map();

// `{ url, format? }` of what the module `parent` of a package imports; `next` is Node's own way, asked once only for what it
// answers alike. Undefined where that must be asked.
function resolve(specifier, parentUrl, parent, next) {
  if (parent === undefined || !parent.includes(INSTALLED) || path.sep !== '/') return undefined;
  if (RELATIVE.test(specifier)) return resolveRelative(specifier, parentUrl);
  if (!BARE.test(specifier)) return undefined;
  const scope = scopeOf(folderOf(parent));
  if (scope === undefined) return undefined;
  const key = `${scope}\0${specifier}`;
  let result = found.get(key);
  if (result === undefined) {
    result = next();
    found.set(key, result);
  }
  return result;
}

// A file of the package beside or near the one that imports it.
function resolveRelative(specifier, parentUrl) {
  const url = new URL(specifier, parentUrl).href;
  let result = files.get(url);
  if (result === undefined) {
    const file = project.fileOf(url);
    const format = isRealFile(file) ? formatOf(file) : undefined;
    result = format === undefined ? null : { url, format };
    files.set(url, result);
  }
  return result ?? undefined;
}

// The folder from which all that lies below it, up to the module, finds the same packages by their names: that of the
// nearest package.json, if no other packages are installed on the way to it.
function scopeOf(folder) {
  if (!scopes.has(folder)) scopes.set(folder, findScope(folder));
  return scopes.get(folder);
}

function findScope(folder) {
  const owner = installedPackageOf(folder)?.folder;
  if (owner === undefined) return undefined;
  for (let at = folder; at !== owner; at = path.dirname(at)) {
    if (statSync(path.join(at, 'node_modules'), { throwIfNoEntry: false }) !== undefined) return undefined;
  }
  return owner;
}

// The nearest package.json, which for Node is never one above `node_modules`.
function installedPackageOf(folder) {
  const owner = project.packageOfFolder(folder);
  return owner !== null && owner.folder.includes(INSTALLED) ? owner : undefined;
}

// The source of a package's ES module; undefined where Node must be asked.
function sourceOf(file, context) {
  if (!file.includes(INSTALLED) || context.importAttributes?.type !== undefined) return undefined;
  return formatOf(file) === 'module' ? readFileSync(file, 'utf8') : undefined;
}

// Whether neither the file nor a folder above it is a link, which Node would follow to another name.
function isRealFile(file) {
  const folder = folderOf(file);
  let names = folders.get(folder);
  if (names === undefined) {
    names = realNames(folder);
    folders.set(folder, names);
  }
  return names.has(file.slice(folder.length + 1));
}

// The files in a folder that are no links; none in a folder that is reached by one.
function realNames(folder) {
  try {
    if (realpathSync.native(folder) !== folder) return new Set();
    return new Set(readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name));
  } catch {
    return new Set();
  }
}

// `module` where that is certain.
function formatOf(file) {
  if (file.endsWith('.mjs')) return 'module';
  if (!file.endsWith('.js')) return undefined;
  const folder = folderOf(file);
  if (!formats.has(folder)) formats.set(folder, installedPackageOf(folder)?.type === 'module' ? 'module' : undefined);
  return formats.get(folder);
}

// Cheaper than `path.dirname`, and the same for a path of ours.
function folderOf(file) {
  return file.slice(0, file.lastIndexOf('/'));
}

module.exports = { resolve, sourceOf };
