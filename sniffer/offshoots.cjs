'use strict';

// Files that the app runs in processes and threads of its own. Node could not run their TypeScript there, so they are told of
// and something idle runs in their place; in a run of their own they are loaded here.

const childProcess = require('node:child_process');
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const path = require('node:path');
const process = require('node:process');
const { fileURLToPath } = require('node:url');
const threads = require('node:worker_threads');
const channel = require('./channel.cjs');
const { callSite } = require('./location.cjs');
const project = require('./project.cjs');
const { resolveUrl } = require('./resolve.cjs');
const typescript = require('./typescript.cjs');

const IDLE = path.join(__dirname, 'idle.cjs');
const RUNTIMES = /^(?:node|nodejs|tsx|ts-node|bun|deno)(?:\.exe)?$/;

function watch() {
  watchProcesses();
  watchThreads();
  watchExistence();
  syncBuiltinESMExports();
}

function watchProcesses() {
  const { spawn } = childProcess.ChildProcess.prototype;
  childProcess.ChildProcess.prototype.spawn = function (options) {
    return Reflect.apply(spawn, this, [{ ...options, args: replacedScript(options) }]);
  };
}

// The arguments of a process, with something idle in place of a file that Node could not run. `args` begin with the name of
// the program.
function replacedScript({ file, args, cwd }) {
  const isNode = file === process.execPath || RUNTIMES.test(path.basename(String(file)));
  if (!isNode || !Array.isArray(args)) return args;
  const at = args.findIndex((argument, index) => index > 0 && isScript(argument, cwd));
  if (at === -1) return args;
  return tell(path.resolve(cwd ?? process.cwd(), args[at])) ? args.with(at, IDLE) : args;
}

function isScript(argument, cwd) {
  const text = String(argument);
  return !text.startsWith('-') && ownSource(path.resolve(cwd ?? process.cwd(), text)) !== undefined;
}

function watchThreads() {
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(file, options) {
      const name = options?.eval ? undefined : pathOf(file);
      super(name !== undefined && tell(name) ? IDLE : file, options);
    }
  };
}

function pathOf(file) {
  try {
    return file instanceof URL || String(file).startsWith('file:') ? fileURLToPath(file) : path.resolve(String(file));
  } catch {
    // Code in a URL.
    return undefined;
  }
}

// Whoever is to run a file later may look whether what a build makes of it is there.
function watchExistence() {
  const { existsSync } = fs;
  fs.existsSync = (file) => {
    if (existsSync(file)) return true;
    const name = typeof file === 'string' || file instanceof URL ? pathOf(file) : undefined;
    return name !== undefined && /\.[cm]?js$/.test(name) && tell(name);
  };
}

// Tells of a file that is run; returns whether it is one that only we can load.
function tell(name) {
  const file = ownSource(name);
  if (file === undefined) return false;
  channel.queue('offshoot', { target: file, ...callSite() });
  return typescript.needsTransform(file);
}

// The file of the workspace that runs under a name.
function ownSource(name) {
  const file = project.isUnderRoot(name) ? project.fileOf(resolveUrl(name, name)) : undefined;
  return file !== undefined && project.isOwn(file) && /\.[cm]?[jt]sx?$/.test(file) ? file : undefined;
}

// Makes this process look like one that was started to run a file.
function imitate() {
  const { port1 } = new threads.MessageChannel();
  port1.unref();
  Object.assign(threads, { isMainThread: false, parentPort: port1, workerData: {} });
  process.send ??= () => true;
  process.connected ??= true;
  process.disconnect ??= () => {};
  syncBuiltinESMExports();
}

module.exports = { watch, imitate, ownSource };
