'use strict';

// Watches `process.env`: what the workspace's own files read by themselves, and what anybody asked for in vain. Writing to
// it works as it does without us.

const { syncBuiltinESMExports } = require('node:module');
const channel = require('./channel.cjs');
const libraries = require('./libraries.cjs');
const { callSite, ownCallSite } = require('./location.cjs');

const real = process.env;
// Node itself reads these for every module.
const OF_NODE = new Set(['NODE_V8_COVERAGE', 'WATCH_REPORT_DEPENDENCIES']);
// The language asks every object for these.
const OF_OBJECTS = new Set([...Object.getOwnPropertyNames(Object.prototype), 'toJSON', 'then']);
const MOST_LACKED = 1_000;
// How often it is looked for whom a variable was asked in vain: the search costs more than the question.
const MOST_SEARCHES = 3;

// What the environment held before the app could write to it.
let initial = { ...real };

// What the environment gives a variable, whatever the app wrote since.
function valueOf(name) {
  return initial[name];
}

// Sets what the environment is taken to hold beside what it does.
function assume(values) {
  Object.assign(real, values);
  initial = { ...real };
}

const read = new Set();
const seen = new Set();
const lacked = new Map();

// Whether one of the workspace's own files read a variable by its name.
function wasRead(name) {
  return read.has(name);
}

// The names of the variables that are set and that one of the workspace's own files read.
function namesReadAndSet() {
  return [...read].filter((name) => initial[name] !== undefined);
}

function note(name, isSet, trap) {
  if (typeof name !== 'string' || OF_NODE.has(name) || OF_OBJECTS.has(name) || libraries.isLoading()) return;
  const site = ownCallSite(trap);
  if (site === null) return;
  if (site !== undefined) {
    read.add(name);
    const key = `${name}\0${site.file}\0${site.line}`;
    if (!seen.has(key)) {
      seen.add(key);
      channel.send('read-env', { name, ...site });
    }
  }
  if (!isSet) noteLacked(name, site);
}

// Once a name, and once more where the first time nothing told for whom it was asked.
function noteLacked(name, site) {
  const searches = lacked.get(name) ?? 0;
  if (searches >= MOST_SEARCHES || lacked.size > MOST_LACKED) return;
  const place = site ?? callSite();
  lacked.set(name, place.file === undefined ? searches + 1 : MOST_SEARCHES);
  if (searches === 0 || place.file !== undefined) channel.queue('lacked', { name, ...place });
}

function watched(target) {
  // Names that a spread or `Object.keys` is about to read: those reads ask for everything, not for a name.
  let listed = new Set();
  const proxy = new Proxy(target, {
    get: function get(_, name) {
      const value = target[name];
      if (!listed.delete(name)) note(name, value !== undefined, get);
      return value;
    },
    has: function has(_, name) {
      note(name, name in target, has);
      return name in target;
    },
    getOwnPropertyDescriptor: function describe(_, name) {
      const descriptor = Reflect.getOwnPropertyDescriptor(target, name);
      if (!listed.has(name)) note(name, descriptor !== undefined, describe);
      return descriptor;
    },
    // By itself a proxy would define the property, which `process.env` refuses where the property exists.
    set: (_, name, value, receiver) => Reflect.set(target, name, value, receiver === proxy ? target : receiver),
    ownKeys() {
      const keys = Reflect.ownKeys(target);
      listed = new Set(keys);
      return keys;
    },
  });
  return proxy;
}

function watch() {
  let target = real;
  let proxy = watched(real);
  Object.defineProperty(process, 'env', {
    get: () => proxy,
    set(value) {
      if (value === proxy) return;
      target = value;
      proxy = value !== null && typeof value === 'object' ? watched(value) : value;
    },
    enumerable: true,
    configurable: true,
  });
  syncBuiltinESMExports();
  cloneable((value) => (value === proxy ? { ...target } : value));
}

// A proxy cannot be cloned, other than what it stands for.
function cloneable(plain) {
  const v8 = require('node:v8');
  const { MessagePort, BroadcastChannel } = require('node:worker_threads');
  for (const [owner, name] of [
    [globalThis, 'structuredClone'], [v8, 'serialize'], [MessagePort.prototype, 'postMessage'], [BroadcastChannel.prototype, 'postMessage'],
  ]) {
    const method = owner[name];
    owner[name] = function (value, ...rest) {
      return Reflect.apply(method, this, [replaced(value, plain), ...rest]);
    };
  }
  syncBuiltinESMExports();
}

// The value, or a copy of it as far down as there is something to replace.
function replaced(value, plain, depth = 0) {
  const found = plain(value);
  if (found !== value || value === null || typeof value !== 'object' || depth > 4) return found;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, replaced(member, plain, depth + 1)]);
  if (entries.every(([key, member]) => member === value[key])) return value;
  return Array.isArray(value) ? entries.map(([, member]) => member) : Object.fromEntries(entries);
}

module.exports = { watch, assume, valueOf, wasRead, namesReadAndSet };
