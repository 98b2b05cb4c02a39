'use strict';

// Runs what a job names: an entry or configuration file, route files with their constructs, or an environment parser.

const nodeModule = require('node:module');
const { readFileSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
const capture = require('./capture.cjs');
const channel = require('./channel.cjs');
const project = require('./project.cjs');
const { compiled } = require('./source.cjs');
const { parserFor } = require('./parser.cjs');

async function loadTarget(target) {
  if (target.kind === 'entry' && isCommonJs(target.file)) {
    // As the main module, so that `require.main === module` holds.
    nodeModule._load(target.file, null, true);
    return;
  }
  const exports = await import(pathToFileURL(target.file).href);
  if (target.kind === 'routes') await askConstructs(exports, target.file);
  else if (target.kind === 'env-parser') await callParser(exports, target);
}

function isCommonJs(file) {
  const made = compiled(file);
  if (made !== undefined) return made.format === 'commonjs';
  if (file.endsWith('.mjs')) return false;
  return file.endsWith('.cjs') || (project.packageOf(file)?.type !== 'module' && !looksLikeModule(file));
}

// A `.js` file without a type in its package: Node looks at its syntax.
function looksLikeModule(file) {
  return /^\s*(?:import[\s{*"']|export[\s{*]|await\s)/m.test(readFileSync(file, 'utf8'));
}

// A construct is whatever says what it needs: endpoints, functions, crons, queues, topics, subscribers.
async function askConstructs(exports, file) {
  const asked = new Set();
  for (const value of [...Object.values(exports), ...Object.values(exports.default ?? {})]) {
    if (value === null || !['object', 'function'].includes(typeof value) || asked.has(value)) continue;
    asked.add(value);
    if (typeof value.getEnvironment !== 'function') continue;
    const before = capture.names();
    const names = await value.getEnvironment({ markOptional: true });
    for (const declared of names ?? []) {
      const optional = declared.endsWith('?');
      const name = optional ? declared.slice(0, -1) : declared;
      // What its services asked of envkit meanwhile is known better from there.
      if (!capture.askedByConstructs(name, before)) channel.send('declared', { name, optional, file });
    }
  }
}

// Calls the function with a parser of the app's own envkit, and parses what it returns.
async function callParser(exports, { file, export: name }) {
  const value = exports[name] ?? exports.default?.[name];
  const result = typeof value === 'function' ? await value(await parserFor(file)) : value;
  if (typeof value !== 'function' && typeof value?.parse !== 'function' && typeof value?.create !== 'function') {
    const error = new Error(`"${name}" is not exported as a function`);
    error.code = 'SNIFF_NO_EXPORT';
    throw error;
  }
  if (typeof result?.parse === 'function') result.parse();
}

module.exports = { loadTarget };
