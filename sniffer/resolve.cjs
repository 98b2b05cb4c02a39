'use strict';

// Resolves what Node does not and what bundlers and TypeScript do: `paths`, extensions left out, `.js` for `.ts`, folders.

const { realpathSync, statSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { fileURLToPath, pathToFileURL } = require('node:url');
const packages = require('./packages.cjs');
const project = require('./project.cjs');
const { pathCandidates } = require('./tsconfig.cjs');

const EXTENSIONS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json'];
const SOURCES = { '.js': ['.ts', '.tsx', '.jsx'], '.mjs': ['.mts'], '.cjs': ['.cts'], '.jsx': ['.tsx'] };
// Packages that are markers for a bundler and throw when they are really imported.
const MARKERS = new Set(['server-only', 'client-only']);
const RETRIED = new Set([
  'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT', 'ERR_PACKAGE_PATH_NOT_EXPORTED',
]);

let resolving = false;

// A relative path that means the same as a URL and as a path.
const RELATIVE = /^\.\.?\/[\w@$+,=~./-]*[\w@$+,=~-]$/;
const EMPTY = 'data:text/javascript,export{}';

// `{ url, format? }` of an `import` whose answer is known without Node; `next` asks it where that is needed once only.
function resolveCertain(specifier, parentUrl, next) {
  const parent = project.fileOf(parentUrl);
  if (parent === undefined) return undefined;
  if (!project.isOwn(parent)) return packages.resolve(specifier, parentUrl, parent, next);
  // Node would build an error, with its stack, for every `.js` that is a `.ts`.
  const file = RELATIVE.test(specifier) ? completed(path.join(path.dirname(parent), specifier)) : undefined;
  return file && { url: pathToFileURL(realpathSync.native(file)).href };
}

// The URL that goes before Node's own resolution; undefined where Node is asked first.
function resolveFirst(specifier, parentUrl) {
  if (MARKERS.has(specifier)) return EMPTY;
  const parent = project.fileOf(parentUrl);
  if (parent === undefined || !project.isOwn(parent) || isPlain(specifier)) return undefined;
  const { bare, query } = split(specifier);
  for (const candidate of pathCandidates(bare, parent)) {
    const file = completed(candidate);
    if (file !== undefined) return pathToFileURL(file).href + query;
  }
  return undefined;
}

// The URL where Node's own resolution failed; undefined where we know no better.
function resolveAfter(specifier, parentUrl, error) {
  if (!RETRIED.has(error?.code)) return undefined;
  const parent = project.fileOf(parentUrl);
  const { bare, query } = split(specifier);
  if (isPlain(bare) || bare.startsWith('file:')) {
    const base = bare.startsWith('file:') ? fileURLToPath(bare) : parent && path.resolve(path.dirname(parent), bare);
    const file = base && completed(base);
    return file && pathToFileURL(file).href + query;
  }
  return resolveImportsField(error) ?? resolveAsCommonJs(bare, parent, query);
}

// A target of package `imports` that is written without its extension, or with `.js` for `.ts`.
function resolveImportsField(error) {
  const file = typeof error.url === 'string' && error.url.startsWith('file:') ? completed(fileURLToPath(error.url)) : undefined;
  return file && pathToFileURL(file).href;
}

// A subpath of a package without `exports`, written without its extension (`next/headers`).
function resolveAsCommonJs(specifier, parent, query) {
  // Only a subpath: the name of a package alone is found by Node or not at all. And `resolve` asks our hooks again.
  if (parent === undefined || resolving || !/^(?:@[^/]+\/)?[^#@/][^/]*\/./.test(specifier)) return undefined;
  resolving = true;
  try {
    const found = createRequire(parent).resolve(specifier);
    return path.isAbsolute(found) ? pathToFileURL(found).href + query : undefined;
  } catch {
    return undefined;
  } finally {
    resolving = false;
  }
}

// A path with what is missing of it: the file itself, TypeScript in place of JavaScript, an extension, an index.
function completed(base) {
  if (isFile(base)) return base;
  const extension = path.extname(base);
  const stem = base.slice(0, base.length - extension.length);
  const candidates = [
    ...(SOURCES[extension] ?? []).map((source) => stem + source),
    ...EXTENSIONS.map((added) => base + added),
    ...EXTENSIONS.map((added) => path.join(base, `index${added}`)),
  ];
  return candidates.find(isFile);
}

function isFile(file) {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

// Relative or absolute: a path, not the name of a package or an alias.
function isPlain(specifier) {
  return /^(?:\.{1,2}(?:\/|$)|\/|file:|node:|data:)/.test(specifier);
}

function split(specifier) {
  const at = specifier.search(/\?/);
  return at === -1 ? { bare: specifier, query: '' } : { bare: specifier.slice(0, at), query: specifier.slice(at) };
}

module.exports = { resolveCertain, resolveFirst, resolveAfter, completed };
