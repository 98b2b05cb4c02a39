'use strict';

// Hooks how `require` finds files: all of it on Node 20, and `require.resolve` on Node 22, which `registerHooks` leaves out.

const Module = require('node:module');
const { fileURLToPath } = require('node:url');
const { resolveFirst, resolveAfter } = require('./resolve.cjs');

function hookResolution() {
  const { _resolveFilename } = Module;
  Module._resolveFilename = function (request, parent, ...rest) {
    const file = parent?.filename ?? undefined;
    const first = resolveFirst(request, file, 'require');
    if (first !== undefined) return fileURLToPath(first);
    try {
      return Reflect.apply(_resolveFilename, this, [request, parent, ...rest]);
    } catch (error) {
      const second = resolveAfter(request, file, error, 'require');
      if (second === undefined) throw error;
      return fileURLToPath(second);
    }
  };
}

module.exports = { hookResolution };
