'use strict';

// Hooks for `import` on Node 20, in this thread.
//
// Its public hooks run in a thread of their own, and asking it twice for every module costs more than loading the modules
// (measured: an app on hono, zod and envkit takes 2.5 times the processor time of plain imports so, and 1.5 times here).
// The loader of Node 20 takes the same hooks without the thread, but only from inside; nothing of it changes any more.
// Where it is not as we know it, this says so, and the thread serves.

const { moduleOf, report } = require('./load.cjs');
const packages = require('./packages.cjs');
const project = require('./project.cjs');
const { resolveFirst, resolveAfter } = require('./resolve.cjs');

// Returns whether the hooks are installed.
function install(entryUrl) {
  const inner = parts();
  if (inner === undefined) return false;
  const { loader, defaultLoad, initializeImportMeta } = inner;
  const resolveSync = (specifier, parentUrl, attributes) => {
    const parent = project.fileOf(parentUrl);
    const next = (asked) => loader.defaultResolve(asked, parentUrl, attributes);
    const ask = () => resolveAsked(specifier, parent, next);
    return packages.resolve(specifier, parentUrl, parent, ask) ?? ask();
  };
  loader.setCustomizations({
    allowImportMetaResolve: true,
    resolve: async (...args) => resolveSync(...args),
    resolveSync,
    load: (url, context) => load(url, context, entryUrl, defaultLoad),
    importMetaInitialize: (meta, context, owner) => initializeImportMeta(meta, context, owner),
    // Hooks of the app's own (instrumentation) are not needed to find what it asks for.
    register() {},
    forceLoadHooks() {},
    waitForLoaderHookInitialization() {},
  });
  return true;
}

function resolveAsked(specifier, parent, next) {
  const first = resolveFirst(specifier, parent, 'import');
  try {
    return next(first ?? specifier);
  } catch (error) {
    const second = resolveAfter(specifier, parent, error, 'import');
    if (second === undefined) throw error;
    return next(second);
  }
}

function parts() {
  try {
    const { getOrInitializeCascadedLoader } = require('internal/modules/esm/loader');
    // Before what it shares a cycle with, so that both are whole.
    require('internal/modules/esm/resolve');
    const { defaultLoad } = require('internal/modules/esm/load');
    const { initializeImportMeta } = require('internal/modules/esm/initialize_import_meta');
    const loader = getOrInitializeCascadedLoader();
    const known = [loader.setCustomizations, loader.defaultResolve, defaultLoad, initializeImportMeta];
    return known.every((part) => typeof part === 'function') ? { loader, defaultLoad, initializeImportMeta } : undefined;
  } catch {
    return undefined;
  }
}

async function load(url, context, entryUrl, defaultLoad) {
  const loaded = moduleOf(url, context, entryUrl);
  if (loaded === undefined) return defaultLoad(url, context);
  // CommonJS goes through `require`, which is hooked by itself.
  if (loaded.source !== undefined) {
    const isCommonJs = loaded.format === 'commonjs';
    return { format: loaded.format, source: isCommonJs ? null : loaded.source, responseURL: url };
  }
  report(loaded.file);
  const source = packages.sourceOf(loaded.file, context);
  if (source !== undefined) return { responseURL: url, ...loaded.rewrite({ format: 'module', source }) };
  const result = await defaultLoad(url, context);
  return result.format === 'commonjs' ? { ...result, source: null } : { responseURL: url, ...loaded.rewrite(result) };
}

module.exports = { install };
