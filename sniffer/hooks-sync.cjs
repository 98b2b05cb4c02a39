'use strict';

// Hooks for Node 22.15 and 23.5 on: in this thread, for `import` and `require` alike.

const { readFileSync } = require('node:fs');
const { registerHooks } = require('node:module');
const { hookResolution } = require('./hooks-resolution.cjs');
const { moduleOf, report } = require('./load.cjs');
const packages = require('./packages.cjs');
const project = require('./project.cjs');
const { resolveFirst, resolveAfter } = require('./resolve.cjs');

function install(entryUrl) {
  hookResolution();
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const parent = project.fileOf(context.parentURL);
      // A `require` has other conditions, and the fuller search of CommonJS.
      const kind = context.conditions.includes('import') ? 'import' : 'require';
      const ask = () => resolveAsked(specifier, parent, kind, () => nextResolve(specifier, context));
      const certain = kind === 'import' ? packages.resolve(specifier, context.parentURL, parent, ask) : undefined;
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

function resolveAsked(specifier, parent, kind, next) {
  const first = resolveFirst(specifier, parent, kind);
  if (first !== undefined) return { url: first, shortCircuit: true };
  try {
    return next();
  } catch (error) {
    const second = resolveAfter(specifier, parent, error, kind);
    if (second === undefined) throw error;
    return { url: second, shortCircuit: true };
  }
}

module.exports = { install };
