'use strict';

// Runs what a job names: an entry or configuration file, route files with their constructs, or an environment parser.

const nodeModule = require('node:module');
const { readFileSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
const project = require('./project.cjs');
const { formatOf } = require('./source.cjs');

async function loadTarget(target) {
  if (target.kind === 'entry' && isCommonJs(target.file)) {
    // As the main module, so that `require.main === module` holds.
    nodeModule._load(target.file, null, true);
    return;
  }
  await import(pathToFileURL(target.file).href);
}

function isCommonJs(file) {
  const format = formatOf(file, () => readFileSync(file, 'utf8'));
  if (format !== undefined) return format === 'commonjs';
  if (file.endsWith('.mjs')) return false;
  return file.endsWith('.cjs') || (project.packageOf(file)?.type !== 'module' && !looksLikeModule(file));
}

// A `.js` file without a type in its package: Node looks at its syntax.
function looksLikeModule(file) {
  return /^\s*(?:import[\s{*"']|export[\s{*]|await\s)/m.test(readFileSync(file, 'utf8'));
}

module.exports = { loadTarget };
