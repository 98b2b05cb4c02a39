'use strict';

// Reads what matters at run time from the tsconfig.json that governs a file: compiler options and `paths`.

const { readFileSync, existsSync, statSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const channel = require('./channel.cjs');

// Taken before the app runs, which may replace them.
const { parse } = JSON;

const byFolder = new Map();

// The configuration that governs a file: `{ options, paths, base }`; empty where there is none.
function governing(file) {
  return governingFolder(path.dirname(file)) ?? { options: {} };
}

function governingFolder(folder) {
  if (byFolder.has(folder)) return byFolder.get(folder);
  const parent = path.dirname(folder);
  let found;
  for (const name of ['tsconfig.json', 'jsconfig.json']) {
    const candidate = path.join(folder, name);
    if (found === undefined && existsSync(candidate)) found = read(candidate, new Set());
  }
  found ??= parent === folder ? null : governingFolder(parent);
  byFolder.set(folder, found);
  return found;
}

function read(file, seen) {
  if (seen.has(file)) return { options: {} };
  seen.add(file);
  channel.queue('read', { file });
  let config;
  try {
    config = parse(withoutComments(readFileSync(file, 'utf8')));
  } catch {
    // A broken tsconfig.json is for the compiler to report; at run time it only means defaults.
    return { options: {} };
  }
  let result = { options: {} };
  for (const parent of [config.extends ?? []].flat()) {
    const parentFile = resolveExtends(parent, file);
    if (parentFile !== undefined) result = merge(result, read(parentFile, seen));
  }
  const own = config.compilerOptions ?? {};
  const folder = path.dirname(file);
  const layer = { options: own };
  if (own.baseUrl !== undefined) layer.baseUrl = path.resolve(folder, own.baseUrl.replace('${configDir}', folder));
  if (own.paths !== undefined) {
    layer.paths = own.paths;
    layer.pathsBase = layer.baseUrl ?? result.baseUrl ?? folder;
  }
  return merge(result, layer);
}

function merge(under, over) {
  return { ...under, ...over, options: { ...under.options, ...over.options } };
}

function resolveExtends(specifier, from) {
  if (specifier.startsWith('.') || path.isAbsolute(specifier)) {
    const base = path.resolve(path.dirname(from), specifier);
    return [base, `${base}.json`, path.join(base, 'tsconfig.json')].find(isFile);
  }
  const require = createRequire(from);
  for (const candidate of [specifier, `${specifier}.json`, `${specifier}/tsconfig.json`]) {
    try {
      const found = require.resolve(candidate);
      if (found.endsWith('.json')) return found;
    } catch {
      // The next form.
    }
  }
  return undefined;
}

function isFile(file) {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

// tsconfig.json may hold comments and trailing commas.
function withoutComments(text) {
  const pattern = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=\s*(?:(?:\/\/[^\n]*|\/\*[\s\S]*?\*\/)\s*)*[\]}])/g;
  return text.replace(/^\uFEFF/, '').replace(pattern, (match) => (match[0] === '"' ? match : ''));
}

function compilerOptions(file) {
  return governing(file).options;
}

// The files that `paths` and `baseUrl` allow for a specifier, in order, without extensions added.
function pathCandidates(specifier, parent) {
  const { paths, pathsBase, baseUrl } = governing(parent);
  const candidates = [];
  for (const [pattern, targets] of Object.entries(paths ?? {}).sort(([a], [b]) => prefix(b) - prefix(a))) {
    const star = pattern.indexOf('*');
    if (star === -1 ? pattern !== specifier : !matches(pattern, star, specifier)) continue;
    const middle = star === -1 ? '' : specifier.slice(star, specifier.length - (pattern.length - star - 1));
    for (const target of targets) candidates.push(path.resolve(pathsBase, target.replace('*', middle)));
    break;
  }
  if (baseUrl !== undefined) candidates.push(path.resolve(baseUrl, specifier));
  return candidates;
}

function prefix(pattern) {
  return pattern.includes('*') ? pattern.indexOf('*') : Number.MAX_SAFE_INTEGER;
}

function matches(pattern, star, specifier) {
  const before = pattern.slice(0, star);
  const after = pattern.slice(star + 1);
  return specifier.length >= before.length + after.length && specifier.startsWith(before) && specifier.endsWith(after);
}

module.exports = { compilerOptions, pathCandidates };
