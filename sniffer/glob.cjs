'use strict';

// `import.meta.glob`, which Vite and its kin replace by what it matches.

const { readdirSync, realpathSync } = require('node:fs');
const path = require('node:path');
const channel = require('./channel.cjs');
const assets = require('./assets.cjs');
const libraries = require('./libraries.cjs');
const project = require('./project.cjs');
const { aliased } = require('./resolve.cjs');

const CALL = /\bimport\.meta\.(glob|globEager)\s*(?:<[^(]*>)?\(/g;

// What a call gives: `{ key: module }` where it is eager, else `{ key: () => import }`. `load` gives a file's module at
// once, `loadLater` later.
function modules(patterns, options = {}, importer, load, loadLater = async (file) => load(file)) {
  const query = queryOf(options);
  const pick = (module) => (options.import === undefined || options.import === '*' ? module : module[options.import]);
  const given = (file, loader) => {
    const asset = assets.assetOf(file, query);
    if (asset !== undefined && query !== '') return options.import === undefined && options.as === undefined ? { default: asset.value() } : asset.value();
    const module = loader(file);
    return typeof module?.then === 'function' ? module.then(pick) : pick(module);
  };
  const entries = matches(patterns, options, importer).map(({ key, file }) => {
    if (options.eager) return [key, given(file, load)];
    later(file);
    return [key, async () => given(file, loadLater)];
  });
  return Object.fromEntries(entries);
}

// What is loaded only when it is asked for counts like any other module that is imported later.
function later(file) {
  if (project.isOwn(file)) channel.queue('later', { file });
}

function queryOf({ query, as }) {
  if (as !== undefined) return `?${as}`;
  if (query === null || typeof query !== 'object') return query === undefined || query === '' ? '' : `?${String(query).replace(/^\?/, '')}`;
  return `?${new URLSearchParams(query)}`;
}

// The files that the patterns match, with the keys that Vite gives them, sorted.
function matches(patterns, { base, exhaustive = false } = {}, importer) {
  const picomatch = libraries.load('picomatch');
  if (picomatch === undefined) throw new Error('import.meta.glob needs picomatch beside the sniffer');
  const folder = path.dirname(importer);
  const from = base === undefined ? folder : placed(base, folder);
  const all = [patterns].flat().map((pattern) => String(pattern));
  const wanted = all.filter((pattern) => !pattern.startsWith('!')).map((pattern) => ({ pattern, full: placed(pattern, from) }));
  const unwanted = all.filter((pattern) => pattern.startsWith('!')).map((pattern) => placed(pattern.slice(1), from));
  const options = { dot: exhaustive, ignore: exhaustive ? unwanted : [...unwanted, '**/node_modules/**'] };
  const found = new Map();
  for (const { pattern, full } of wanted) {
    const isMatch = picomatch(full, options);
    const { base: root, glob: rest } = picomatch.scan(full);
    for (const file of filesBelow(rest === '' ? path.dirname(full) : root)) {
      if (isMatch(file) && file !== importer && !found.has(file)) found.set(file, keyOf(file, pattern, from, base));
    }
  }
  return [...found].map(([file, key]) => ({ file, key })).sort((a, b) => (a.key < b.key ? -1 : 1));
}

// A pattern as an absolute one: `/…` is below the app's folder, an alias where `paths` puts it.
function placed(pattern, folder) {
  if (pattern.startsWith('/')) return path.posix.join(project.appFolder(), pattern);
  if (/^\.{1,2}(?:\/|$)/.test(pattern) || pattern.startsWith('*')) return path.posix.join(folder, pattern);
  return aliased(pattern, path.join(folder, 'index.ts')) ?? path.posix.join(folder, pattern);
}

function keyOf(file, pattern, from, base) {
  if (base === undefined && !/^\.{1,2}\//.test(pattern)) return `/${path.posix.relative(project.appFolder(), file)}`;
  const relative = path.posix.relative(from, file);
  return relative.startsWith('.') ? relative : `./${relative}`;
}

function filesBelow(folder) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
    // A new file would be matched too.
    channel.queue('read', { file: realpathSync(folder) });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(file);
    return [file];
  });
}

// The files that a module's eager calls match, so that it can import them before it runs: only calls of literals, as Vite
// wants them.
function eagerFiles(code, importer) {
  const files = new Set();
  for (const call of code.matchAll(CALL)) {
    const found = argumentsAt(code, call.index + call[0].length);
    if (found === undefined) continue;
    const [patterns, options = {}] = found;
    if (call[1] === 'glob' && !options.eager) continue;
    if (queryOf(options) !== '') continue;
    for (const { file } of matches(patterns, options, importer)) files.add(file);
  }
  return [...files];
}

// The values of a call's arguments that begin at a position; undefined where they are more than literals.
function argumentsAt(code, start) {
  let depth = 1;
  for (let at = start; at < code.length; at++) {
    const letter = code[at];
    if ('"\'`'.includes(letter)) at = endOfText(code, at);
    else if ('([{'.includes(letter)) depth += 1;
    else if (')]}'.includes(letter) && --depth === 0) return literals(code.slice(start, at));
  }
  return undefined;
}

function endOfText(code, start) {
  let at = start + 1;
  while (at < code.length && code[at] !== code[start]) at += code[at] === '\\' ? 2 : 1;
  return at;
}

function literals(text) {
  if (/[()$`]|=>/.test(text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`$]*`/g, ''))) return undefined;
  try {
    return new Function(`return [${text}];`)();
  } catch {
    return undefined;
  }
}

module.exports = { modules, eagerFiles };
