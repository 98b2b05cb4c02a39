'use strict';

// Finds the TypeScript configuration that governs a file, as TypeScript does: the nearest one, or that of its `references`
// which takes the file in. `get-tsconfig` reads them: `extends`, `${configDir}`, and what options imply for each other.

const { existsSync, statSync } = require('node:fs');
const path = require('node:path');
const channel = require('./channel.cjs');
const libraries = require('./libraries.cjs');

const NAMES = ['tsconfig.json', 'jsconfig.json'];
const NONE = { options: {}, candidates: () => [] };

const byFile = new Map();
const byFolder = new Map();
const governingFiles = new Map();

// What was read of the disk; each file that it holds is one on which the answer depends.
class Reads extends Map {
  set(key, value) {
    const [, file] = /^readFile\w*:(.+?)(?::utf-?8)?$/.exec(key) ?? [];
    if (file !== undefined) channel.queue('read', { file });
    return super.set(key, value);
  }
}
const reads = new Reads();

// `{ file?, options, candidates() }` of the configuration that governs a file; without options where there is none.
function configOf(file) {
  let config = governingFiles.get(file);
  if (config === undefined) {
    config = governing(file);
    governingFiles.set(file, config);
  }
  return config;
}

function governing(file) {
  const nearest = nearestTo(path.dirname(file));
  if (nearest === undefined) return NONE;
  if (nearest.raw.references === undefined) return nearest;
  return including(nearest, file, new Set()) ?? (isSolution(nearest) ? likeliest(nearest, file) : nearest);
}

// The configuration that takes the file in: the given one, or one that it refers to.
function including(config, file, seen) {
  if (seen.has(config)) return undefined;
  seen.add(config);
  if (config.includes(file)) return config;
  for (const referred of config.references()) {
    const found = including(referred, file, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

// Whether it only lists others and compiles nothing itself.
function isSolution({ raw }) {
  return raw.references !== undefined && raw.files?.length === 0;
}

// What none takes in by its patterns is compiled with what imports it: with the first whose folder holds it.
function likeliest(solution, file) {
  const holds = (config) => file.startsWith(path.dirname(config.file) + path.sep);
  return solution.references().find(holds) ?? solution;
}

function nearestTo(folder) {
  if (byFolder.has(folder)) return byFolder.get(folder);
  const parent = path.dirname(folder);
  const name = NAMES.find((candidate) => existsSync(path.join(folder, candidate)));
  const found = (name && read(path.join(folder, name))) ?? (parent === folder ? undefined : nearestTo(parent));
  byFolder.set(folder, found);
  return found;
}

// The configuration in a file; undefined where nothing here can read one.
function read(file) {
  if (!byFile.has(file)) byFile.set(file, parse(file));
  return byFile.get(file);
}

function parse(file) {
  const library = libraries.load('get-tsconfig');
  if (library === undefined) return undefined;
  let raw;
  try {
    raw = library.parseTsconfig(file, reads);
  } catch {
    // A broken tsconfig.json is for the compiler to report; at run time it only means defaults.
    raw = {};
  }
  let matches;
  let paths;
  let references;
  return {
    file,
    raw,
    options: raw.compilerOptions ?? {},
    includes(source) {
      matches ??= library.createFilesMatcher({ path: file, config: raw });
      return matches(source) !== undefined;
    },
    // The paths that `paths` and `baseUrl` allow for a specifier, in order, as they stand there.
    candidates(specifier) {
      if (raw.compilerOptions?.paths === undefined && raw.compilerOptions?.baseUrl === undefined) return [];
      paths ??= library.createPathsMatcher({ path: file, config: raw });
      return paths?.(specifier) ?? [];
    },
    references() {
      references ??= (raw.references ?? []).map((reference) => referred(file, reference.path)).filter(Boolean);
      return references;
    },
  };
}

// A reference names a file, or a folder with a `tsconfig.json`.
function referred(from, reference) {
  const target = path.resolve(path.dirname(from), reference);
  const file = statSync(target, { throwIfNoEntry: false })?.isDirectory() ? path.join(target, NAMES[0]) : target;
  return existsSync(file) ? read(file) : undefined;
}

function compilerOptions(file) {
  return configOf(file).options;
}

// The configurations of a package: its own and those that this refers to.
function configsOf(folder) {
  const all = new Set();
  const add = (config) => {
    if (config === undefined || all.has(config)) return;
    all.add(config);
    config.references().forEach(add);
  };
  add(NAMES.map((name) => path.join(folder, name)).filter(existsSync).map(read)[0]);
  return [...all];
}

module.exports = { configOf, configsOf, compilerOptions };
