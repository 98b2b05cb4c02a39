'use strict';

// Resolves what the workspace's own files import, as TypeScript and bundlers do and Node does not: `paths`, extensions left
// out, `.js` for `.ts`, folders, the source of packages that are not built. By oxc-resolver; what Node resolves itself is
// left to it.

const { existsSync, realpathSync } = require('node:fs');
const { isBuiltin } = require('node:module');
const path = require('node:path');
const { fileURLToPath, pathToFileURL } = require('node:url');
const assets = require('./assets.cjs');
const libraries = require('./libraries.cjs');
const project = require('./project.cjs');
const { configOf } = require('./tsconfig.cjs');

const TYPESCRIPT = ['.ts', '.tsx', '.mts', '.cts'];
const JAVASCRIPT = ['.js', '.jsx', '.mjs', '.cjs'];
const ALIASES = { '.js': ['.js', '.ts', '.tsx', '.jsx'], '.mjs': ['.mjs', '.mts'], '.cjs': ['.cjs', '.cts'], '.jsx': ['.jsx', '.tsx'] };
// Packages that are markers for a bundler and throw when they are really imported.
const MARKERS = new Set(['server-only', 'client-only']);
const RETRIED = new Set([
  'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT', 'ERR_PACKAGE_PATH_NOT_EXPORTED',
  'ERR_PACKAGE_IMPORT_NOT_DEFINED',
]);
const EMPTY = { import: 'data:text/javascript,export{}', require: pathToFileURL(path.join(__dirname, 'empty.cjs')).href };

const resolvers = new Map();
let entry;

// The conditions of an app hold for all that it imports, as those of `node --conditions` do.
function setEntry(file) {
  entry = file;
}

// Loaded where Node and oxc-resolver know no file, which in most apps is never.
function unbuilt() {
  return require('./unbuilt.cjs');
}

// The URL that goes before Node's own resolution for an import of the file `parent`; undefined where Node is asked first. `kind` is `import` or `require`.
function resolveFirst(specifier, parent, kind) {
  if (libraries.isLoading()) return undefined;
  if (MARKERS.has(specifier)) return EMPTY[kind];
  if (parent === undefined || !project.isOwn(parent) || isForNode(specifier)) return undefined;
  const query = assets.queryOf(specifier);
  const bare = query === '' ? specifier : specifier.slice(0, -query.length);
  if (isPath(bare)) return resolvePath(bare, parent, kind, query);
  // A package has its own ways to be found, which are Node's; only what is not installed is somebody else's to find.
  const found = mayBeAlias(parent) ? find(bare, parent, kind) : undefined;
  return found !== undefined && project.isOwn(found) ? urlOf(found, query) : undefined;
}

function resolvePath(specifier, parent, kind, query) {
  const file = specifier.startsWith('file:') ? fileURLToPath(specifier) : specifier;
  const found = find(file, parent, kind) ?? unbuilt().sourceOf(path.resolve(path.dirname(parent), file));
  if (found !== undefined) return urlOf(found, query);
  // Types are nothing at run time, and whoever imports them gets nothing.
  return existsSync(`${path.resolve(path.dirname(parent), file)}.d.ts`) ? EMPTY[kind] : undefined;
}

// The URL where Node's own resolution failed; undefined where we know no better.
function resolveAfter(specifier, parent, error, kind) {
  if (parent === undefined || libraries.isLoading() || !RETRIED.has(error?.code)) return undefined;
  const query = assets.queryOf(specifier);
  const bare = query === '' ? specifier : specifier.slice(0, -query.length);
  const target = typeof error.url === 'string' && error.url.startsWith('file:') ? fileURLToPath(error.url) : undefined;
  const found =
    find(bare.startsWith('file:') ? fileURLToPath(bare) : bare, parent, kind) ??
    (kind === 'require' ? find(bare, parent, 'import') : undefined) ??
    (target && (find(target, parent, kind) ?? unbuilt().sourceOf(target))) ??
    (isPath(bare) ? undefined : unbuilt().packageSource(bare, parent, conditionsOf(parent, kind))) ??
    unexported(bare, parent);
  if (found === undefined) unbuilt().explain(error, bare, parent);
  return found && urlOf(found, query);
}

// Data of an installed package that its `exports` leave out.
function unexported(specifier, parent) {
  const file = isPath(specifier) ? undefined : unbuilt().installedFile(specifier, parent);
  return file !== undefined && !assets.CODE.has(path.extname(file)) ? file : undefined;
}

// The URL of what a file imports, however it is found; undefined where it is not.
function resolveUrl(specifier, file) {
  if (isForNode(specifier)) return undefined;
  const first = resolveFirst(specifier, file, 'import');
  if (first !== undefined) return first;
  const found = find(specifier, file, 'import') ?? unbuilt().packageSource(specifier, file, conditionsOf(file, 'import'));
  return found && urlOf(found, '');
}

function urlOf(file, query) {
  return pathToFileURL(file).href + query;
}

// What Node alone knows.
function isForNode(specifier) {
  return /^(?:node|data|https?|bun|cloudflare):/.test(specifier) || isBuiltin(specifier);
}

// Relative or absolute: a path, not the name of a package or an alias.
function isPath(specifier) {
  return /^(?:\.{1,2}(?:\/|$)|\/|file:)/.test(specifier);
}

function mayBeAlias(parent) {
  const { paths, baseUrl } = configOf(parent).options;
  return paths !== undefined || baseUrl !== undefined || [parent, entry].some((file) => file && configOf(file).options.customConditions);
}

function conditionsOf(parent, kind) {
  const custom = [parent, entry].flatMap((file) => (file && configOf(file).options.customConditions) ?? []);
  return [...new Set(custom), kind, 'node', 'module-sync', 'node-addons'];
}

// The file that a specifier names; undefined where there is none.
function find(specifier, parent, kind) {
  const resolver = resolverFor(parent, kind);
  if (resolver === undefined) return undefined;
  const folder = path.dirname(parent);
  for (const candidate of isPath(specifier) ? [] : configOf(parent).candidates(specifier)) {
    const found = resolver.sync(folder, candidate).path;
    if (found !== undefined) return found;
  }
  return resolver.sync(folder, specifier).path;
}

// One per kind of import, conditions and language of the importer.
function resolverFor(parent, kind) {
  const library = libraries.load('oxc-resolver');
  if (library === undefined) return undefined;
  const conditions = conditionsOf(parent, kind);
  const isTypeScript = TYPESCRIPT.includes(path.extname(parent));
  const key = `${isTypeScript}\0${conditions.join('\0')}`;
  if (!resolvers.has(key)) resolvers.set(key, create(library, conditions, isTypeScript));
  return resolvers.get(key);
}

function create({ ResolverFactory }, conditionNames, isTypeScript) {
  const code = isTypeScript ? [...TYPESCRIPT, ...JAVASCRIPT] : [...JAVASCRIPT, ...TYPESCRIPT];
  return new ResolverFactory({
    conditionNames,
    extensions: [...code, '.json', '.node'],
    extensionAlias: ALIASES,
    mainFields: ['main'],
    nodePath: false,
  });
}

// The file or folder that `paths` makes of a pattern.
function aliased(pattern, importer) {
  return configOf(importer).candidates(pattern)[0];
}

module.exports = { setEntry, resolveFirst, resolveAfter, resolveUrl, aliased };
