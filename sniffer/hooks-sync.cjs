'use strict';

// Hooks for Node 22.15 and 23.5 on: in this thread, for `import` and `require` alike.

const { readFileSync } = require('node:fs');
const { registerHooks } = require('node:module');
const { moduleOf, report } = require('./load.cjs');
const { resolveFirst, resolveAfter } = require('./resolve.cjs');

function install(entryUrl) {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const first = resolveFirst(specifier, context.parentURL);
      if (first !== undefined) return nextResolve(first, context);
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        const second = resolveAfter(specifier, context.parentURL, error);
        if (second === undefined) throw error;
        return { url: second, shortCircuit: true };
      }
    },
    load(url, context, nextLoad) {
      const loaded = moduleOf(url, context, entryUrl);
      if (loaded === undefined) return nextLoad(url, context);
      if (loaded.source !== undefined) return { ...loaded, shortCircuit: true };
      report(loaded.file);
      const result = nextLoad(url, context);
      return loaded.rewrite(result, readFileSync);
    },
  });
}

module.exports = { install };
