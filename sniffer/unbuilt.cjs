'use strict';

// Finds the source of what a build would make: packages of the workspace are often deployed built and developed unbuilt.

const { existsSync, readFileSync, realpathSync, statSync } = require('node:fs');
const path = require('node:path');
const channel = require('./channel.cjs');
const libraries = require('./libraries.cjs');
const project = require('./project.cjs');
const { configsOf } = require('./tsconfig.cjs');

// Taken before the app runs, which may replace them.
const { parse } = JSON;

// What a built file ends in, and what its sources do, the likeliest first.
const BUILT = /\.(?:d\.)?[cm]?[jt]sx?$/;
const SOURCES = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs'];
// The name of a package, and what follows.
const PACKAGE = /^((?:@[^/]+\/)?[^/@.#][^/]*)(\/.*)?$/;
const OUTPUT = /^(?:dist|build|lib|out|output|esm|cjs|es|module|types|\.output|\.build)$/;
const SOURCE_FOLDERS = ['src', '', 'lib', 'source'];

// The source of an own file that does not exist; undefined where none is found.
function sourceOf(target) {
  if (!project.isOwn(target) || isFile(target)) return undefined;
  const owner = project.packageOf(target);
  return owner === null ? undefined : byConfiguration(target, owner.folder) ?? byConvention(target, owner.folder);
}

// By what the package's TypeScript says of its output.
function byConfiguration(target, folder) {
  for (const { file, options } of configsOf(folder)) {
    const from = path.dirname(file);
    for (const output of [options.outDir, options.declarationDir]) {
      if (output === undefined) continue;
      const rest = path.relative(path.resolve(from, output), target);
      if (rest.startsWith('..') || path.isAbsolute(rest)) continue;
      const roots = options.rootDir === undefined ? [path.join(from, 'src'), from] : [path.resolve(from, options.rootDir)];
      const found = firstSource(roots.map((root) => path.join(root, rest)));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

// By what folders are usually called.
function byConvention(target, folder) {
  const parts = path.relative(folder, target).split(path.sep);
  const bases = [];
  while (parts.length > 1 && OUTPUT.test(parts[0])) {
    parts.shift();
    bases.push(...SOURCE_FOLDERS.map((source) => path.join(folder, source, ...parts)));
  }
  return firstSource(bases);
}

// The first file that one of the built files can be made of.
function firstSource(built) {
  for (const file of built) {
    const stem = file.replace(BUILT, '');
    const candidates = SOURCES.flatMap((extension) => [stem + extension, path.join(stem, `index${extension}`)]);
    const found = candidates.find(isFile);
    if (found !== undefined) return found;
  }
  return undefined;
}

// The source of a package of the workspace that is imported by its name, whose built files are not there.
function packageSource(specifier, parent, conditions) {
  const found = specifier.startsWith('#') ? importsOf(specifier, parent) : workspacePackage(specifier, parent);
  if (found === undefined) return undefined;
  const targets = targetsOf(found, conditions).map((target) => path.join(found.folder, target));
  const source = targets.find((target) => isFile(target) && !/\.d\.[cm]?ts$/.test(target));
  if (source !== undefined) return source;
  for (const target of targets) {
    const made = sourceOf(target);
    if (made !== undefined) return made;
  }
  return found.subpath === '.' ? firstSource(['src/index', 'index', 'src/main'].map((name) => path.join(found.folder, name))) : undefined;
}

// `{ folder, imports, subpath }` of a name that a package of the workspace has for a part of itself.
function importsOf(specifier, parent) {
  const folder = project.packageOf(parent)?.folder;
  const manifest = folder && project.isOwn(path.join(folder, 'package.json')) ? manifestOf(folder) : undefined;
  return manifest?.imports && { folder, imports: manifest.imports, subpath: specifier };
}

function manifestOf(folder) {
  const file = path.join(folder, 'package.json');
  channel.queue('read', { file });
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

// `{ name, folder, manifest, subpath }` of a specifier that names a package of the workspace.
function workspacePackage(specifier, parent) {
  const [, name, rest] = PACKAGE.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  const folder = installedFolder(name, path.dirname(parent)) ?? ownFolder(name, parent);
  if (folder === undefined || !project.isOwn(path.join(folder, 'package.json'))) return undefined;
  const manifest = manifestOf(folder);
  return manifest && { name, folder, manifest, subpath: `.${rest ?? ''}` };
}

function installedFolder(name, from) {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(candidate, 'package.json'))) return realpathSync(candidate);
    if (path.dirname(folder) === folder) return undefined;
  }
}

// The file that stands in a package's folder under the rest of a specifier; undefined where there is none.
function installedFile(specifier, parent) {
  const [, name, rest] = PACKAGE.exec(specifier) ?? [];
  const folder = rest === undefined ? undefined : installedFolder(name, path.dirname(parent));
  const file = folder && path.join(folder, rest);
  return file !== undefined && isFile(file) ? file : undefined;
}

// A package may import itself by its name.
function ownFolder(name, parent) {
  const owner = project.namedPackageOf(parent);
  return owner?.name === name ? owner.folder : undefined;
}

// What a package has for a subpath, under whatever conditions: those of the importer first, then those for which the
// package has its source (`types`, `source`, `development`, names of its own).
function targetsOf({ manifest, imports, subpath }, conditions) {
  const map = imports ?? manifest.exports;
  if (map === undefined) return targetsWithoutExports(manifest, subpath);
  const maps = libraries.load('resolve-pkg-maps');
  if (maps === undefined) return [];
  const resolve = imports === undefined ? maps.resolveExports : maps.resolveImports;
  const request = imports === undefined ? subpath.replace(/^\.\/?/, '') : subpath;
  return [conditions, ...[...conditionNames(map)].map((name) => [name, ...conditions])].flatMap((set) => {
    try {
      return resolve(map, request, set);
    } catch {
      return [];
    }
  });
}

function conditionNames(exports, names = new Set()) {
  if (exports === null || typeof exports !== 'object') return names;
  for (const [key, value] of Object.entries(exports)) {
    if (!Array.isArray(exports) && !/^[.#]/.test(key)) names.add(key);
    conditionNames(value, names);
  }
  return names;
}

function targetsWithoutExports(manifest, subpath) {
  if (subpath !== '.') return [subpath, `dist/${subpath.slice(2)}`, `src/${subpath.slice(2)}`];
  return ['source', 'types', 'typings', 'module', 'main'].map((field) => manifest[field]).filter((file) => typeof file === 'string');
}

function isFile(file) {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

// Says in an error what a person can do where a package of the workspace is there and what it names is not.
function explain(error, specifier, parent) {
  const found = workspacePackage(specifier, parent);
  if (found === undefined || error.sniffedAsUnbuilt) return;
  const [target] = targetsOf(found, ['import', 'node']);
  const script = found.manifest.scripts?.build === undefined ? '' : ` (its script \`build\`)`;
  error.message = `"${specifier}" names the package ${found.name} of this workspace, in which ${target ?? found.subpath} does not exist and no source of it was found: build that package first${script}`;
  error.sniffedAsUnbuilt = true;
}

module.exports = { sourceOf, packageSource, installedFile, explain };
