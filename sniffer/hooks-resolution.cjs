'use strict';

// Hooks how `require` finds files: all of it on Node 20, and `require.resolve` on Node 22, which `registerHooks` leaves out.

const Module = require('node:module');
const { fileURLToPath } = require('node:url');
const project = require('./project.cjs');
const { resolveFirst, resolveAfter } = require('./resolve.cjs');

function hookResolution() {
  hookAddons();
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

// A native addon of the workspace may be made for another machine, where the app is deployed.
function hookAddons() {
  const { '.node': load } = Module._extensions;
  Module._extensions['.node'] = function (module, file) {
    try {
      return Reflect.apply(load, this, [module, file]);
    } catch (error) {
      if (!project.isOwn(file)) throw error;
      return undefined;
    }
  };
}

module.exports = { hookResolution };
