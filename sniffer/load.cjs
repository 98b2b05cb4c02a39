'use strict';

// What loading a URL gives, for both kinds of hooks.

const { readFileSync } = require('node:fs');
const path = require('node:path');
const activity = require('./activity.cjs');
const assets = require('./assets.cjs');
const channel = require('./channel.cjs');
const libraries = require('./libraries.cjs');
const project = require('./project.cjs');
const { compiled, facadeOf, finishing } = require('./source.cjs');

const JAVASCRIPT = new Set(['.js', '.mjs', '.cjs']);

const reported = new Set();

// Tells the parent of a file that was loaded: part of what a cached answer depends on.
function report(file) {
  if (reported.has(file) || file.startsWith(__dirname)) return;
  reported.add(file);
  if (project.isOwn(file)) {
    // At once: what is known to be loaded and not to be finished is what may be missing when the app ends early.
    channel.send('loaded', { file });
    return;
  }
  if (!file.includes(`${path.sep}node_modules${path.sep}`)) {
    // Linked from outside of the workspace: no version tells whether it changed.
    channel.send('read', { file });
    return;
  }
  const owner = project.namedPackageOf(file);
  if (owner === null || reported.has(owner.folder)) return;
  reported.add(owner.folder);
  channel.queue('package', { folder: owner.folder, name: owner.name, version: owner.version });
}

// `{ format, source }` for what we make ourselves, `{ file, rewrite }` for what Node loads and we add to; undefined for
// what is none of our business.
function moduleOf(url, context, entryUrl) {
  if (!url.startsWith('file:') || libraries.isLoading()) return undefined;
  activity.touch();
  const query = /\?[^#]*/.exec(url)?.[0] ?? '';
  const file = project.fileOf(query === '' ? url : url.replace(query, ''));
  const asset = assets.assetOf(file, assets.queryOfAttribute(context.importAttributes?.type) || query);
  const forRequire = isRequire(context);
  // JSON that is required is Node's own to read.
  if (asset !== undefined && !(forRequire && file.endsWith('.json'))) {
    report(file);
    return forRequire ? { format: 'commonjs', source: asset.commonJs() } : { format: 'module', source: asset.module() };
  }
  return asset === undefined ? codeOf(file, url, forRequire, url === entryUrl) : undefined;
}

function codeOf(file, url, forRequire, isEntry) {
  const made = compiled(file);
  if (made === undefined) return { file, rewrite: (result) => rewritten(file, url, result, isEntry) };
  if (!forRequire) {
    const source = facadeOf(file, made);
    if (source !== undefined) return { format: 'module', source };
  }
  report(file);
  return { format: made.format, source: finishing(file, url, made.code, made.format, { isEntry }) };
}

function isRequire(context) {
  return context.conditions?.includes('require') === true && !context.conditions.includes('import');
}

// Adds to what Node loaded, where it is a module of the workspace or of envkit.
function rewritten(file, url, result, isEntry) {
  const isModule = result.format === 'module';
  if (!isModule && result.format !== 'commonjs') return result;
  if (!JAVASCRIPT.has(path.extname(file)) || (!project.isOwn(file) && !project.isEnvkit(file))) return result;
  const source = result.source == null ? readFileSync(file, 'utf8') : Buffer.from(result.source).toString('utf8');
  return { ...result, source: finishing(file, url, source, isModule ? 'module' : 'commonjs', { isEntry }) };
}

module.exports = { moduleOf, report };
