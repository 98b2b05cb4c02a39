'use strict';

// Hooks for Node 22.15 and 23.5 on: in this thread, for `import` and `require` alike.

const { readFileSync } = require('node:fs');
const { registerHooks } = require('node:module');
const { moduleOf, report } = require('./load.cjs');
const packages = require('./packages.cjs');
const { resolveCertain, resolveFirst, resolveAfter } = require('./resolve.cjs');

function install(entryUrl) {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      // A `require` has other conditions, and the fuller search of CommonJS.
      const kind = context.conditions.includes('import') ? 'import' : 'require';
      const ask = () => resolveAsked(specifier, context, nextResolve, kind);
      const certain = kind === 'import' ? resolveCertain(specifier, context.parentURL, ask) : undefined;
      return certain === undefined ? ask() : { ...certain, shortCircuit: true };
    },
    load(url, context, nextLoad) {
      const loaded = moduleOf(url, context, entryUrl);
      if (loaded === undefined) return nextLoad(url, context);
      if (loaded.source !== undefined) return { ...loaded, shortCircuit: true };
      report(loaded.file);
      const source = packages.sourceOf(loaded.file, context);
      if (source !== undefined) return { ...loaded.rewrite({ format: 'module', source }), shortCircuit: true };
      const result = nextLoad(url, context);
      return loaded.rewrite(result, readFileSync);
    },
  });
}

function resolveAsked(specifier, context, nextResolve, kind) {
  const first = resolveFirst(specifier, context.parentURL, kind);
  if (first !== undefined) return { url: first, shortCircuit: true };
  try {
    return nextResolve(specifier, context);
  } catch (error) {
    const second = resolveAfter(specifier, context.parentURL, error, kind);
    if (second === undefined) throw error;
    return { url: second, shortCircuit: true };
  }
}

module.exports = { install };
