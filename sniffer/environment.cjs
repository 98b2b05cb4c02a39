'use strict';

// Watches reads of `process.env` by the workspace's own files: evidence of what escapes envkit.

const { syncBuiltinESMExports } = require('node:module');
const channel = require('./channel.cjs');
const { ownCallSite } = require('./location.cjs');

const real = process.env;
// Node itself reads these for every module.
const OF_NODE = new Set(['NODE_V8_COVERAGE', 'WATCH_REPORT_DEPENDENCIES']);

// What the environment holds, without being watched.
function valueOf(name) {
  return real[name];
}

function watch() {
  const seen = new Set();
  // Names that a spread or `Object.keys` is about to read: those reads ask for everything, not for a name.
  let listed = new Set();
  const report = (name, trap) => {
    if (typeof name !== 'string' || OF_NODE.has(name)) return;
    if (listed.delete(name)) return;
    const site = ownCallSite(trap);
    if (site === undefined) return;
    const key = `${name}\0${site.file}\0${site.line}`;
    if (seen.has(key)) return;
    seen.add(key);
    channel.send('read-env', { name, ...site });
  };
  process.env = new Proxy(real, {
    get: function get(target, name) {
      report(name, get);
      return target[name];
    },
    has: function has(target, name) {
      report(name, has);
      return name in target;
    },
    ownKeys(target) {
      const keys = Reflect.ownKeys(target);
      listed = new Set(keys);
      return keys;
    },
  });
  syncBuiltinESMExports();
}

module.exports = { watch, valueOf };
