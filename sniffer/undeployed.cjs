'use strict';

// Files that lie on this machine and not where the app is deployed: `.env` and its like, our state and secrets. Image builds
// never send them (`src/image/ignore.rs`), so the app does not find them here either: what it is given is the same with and
// without them.

const { readFileSync } = require('node:fs');
const path = require('node:path');
const process = require('node:process');
const channel = require('./channel.cjs');

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
function replacementOf(file) {
  if (!isUndeployed(file)) return undefined;
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
  for (const [, name, value] of text.matchAll(/^\s*(?:export\s+)?([\w.-]+)\s*=[ \t]*(.*?)[ \t]*$/gm)) {
    templates.get(file).push({ name, value: value.replace(/^(['"`])(.*)\1$/, '$2') });
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
