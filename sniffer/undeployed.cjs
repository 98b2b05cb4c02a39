'use strict';

// Files that lie on this machine and not where the app is deployed: `.env` and its like, our state and secrets. Image builds
// never send them (`src/image/ignore.rs`), so the app does not find them here either: what it is given is the same with and
// without them.

const { readFileSync, realpathSync } = require('node:fs');
const path = require('node:path');
const process = require('node:process');
const channel = require('./channel.cjs');
const environment = require('./environment.cjs');
const project = require('./project.cjs');

const INSTALLED = `${path.sep}node_modules${path.sep}`;
// Says in an app's own message why the file is not there.
const ABSENT = '.not-deployed';
// Lists which variables there are, without the values that count. Committed, and read by validators.
const TEMPLATE = /[._-](?:example|sample|template|tmpl|tpl|dist|defaults?|schema)$/i;

const told = new Set();
const templates = new Map();
let empty;

// From now on these files are there, and empty: for apps that do not start without them.
function useEmpty(file) {
  empty = file;
}

// The path to read in place of `file`, which is absolute; undefined for a file that is deployed.
function replacementOf(named) {
  const file = isUndeployed(named) ? named : linkedFrom(named);
  if (file === undefined) return undefined;
  if (isTemplate(file)) {
    readTemplate(file);
    return undefined;
  }
  if (!told.has(file)) {
    told.add(file);
    channel.queue('undeployed', { file });
  }
  return empty ?? file + ABSENT;
}

const links = new Map();

// What the app calls by another name; undefined for what is deployed.
function linkedFrom(named) {
  if (named.includes(INSTALLED) || !project.isUnderRoot(named)) return undefined;
  if (!links.has(named)) links.set(named, realOf(named));
  const file = links.get(named);
  return file !== undefined && isUndeployed(file) ? file : undefined;
}

function realOf(file) {
  try {
    return realpathSync.native(file);
  } catch {
    return undefined;
  }
}

// Whether a folder must not show a name.
function isHidden(folder, name) {
  const file = path.join(folder, String(name));
  return isUndeployed(file) && !isTemplate(file);
}

function isUndeployed(file) {
  // Told at a glance for nearly all: neither name stands in most paths.
  if (!/[./\\]env|\.dev\.vars|\.gkm/i.test(file) || file.includes(INSTALLED)) return false;
  const parts = file.split(path.sep);
  const name = parts.at(-1);
  if (/\.env$/i.test(name) || /^\.dev\.vars/i.test(name)) return true;
  return parts.some((part, at) => /^\.env/i.test(part) || (part === '.gkm' && isSecret(parts[at + 1])));
}

function isSecret(name = '') {
  return /secrets|^deploy-/.test(name);
}

function isTemplate(file) {
  return TEMPLATE.test(file);
}

function readTemplate(file) {
  if (templates.has(file)) return;
  templates.set(file, []);
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // The app is told by its own call.
    return;
  }
  for (const [index, line] of text.split('\n').entries()) {
    const [, name, value] = /^\s*(?:export\s+)?([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) continue;
    templates.get(file).push({ name, value: value.replace(/^(['"`])(.*)\1$/, '$2') });
    // A validator may tell the names apart without asking for any.
    if (environment.valueOf(name) === undefined) channel.queue('lacked', { name, file, line: index + 1 });
  }
}

// Whether a value is one that a template holds in place of a real one.
function isOfTemplate(name, value) {
  return [...templates.values()].flat().some((entry) => entry.name === name && entry.value === value);
}

// Makes `process.loadEnvFile` find what `fs` finds.
function hideFromNode() {
  const { loadEnvFile } = process;
  if (loadEnvFile === undefined) return;
  process.loadEnvFile = (file = '.env') => {
    const absolute = file instanceof URL ? require('node:url').fileURLToPath(file) : path.resolve(String(file));
    return loadEnvFile(replacementOf(absolute) ?? file);
  };
}

module.exports = { useEmpty, replacementOf, isHidden, isOfTemplate, hideFromNode };
