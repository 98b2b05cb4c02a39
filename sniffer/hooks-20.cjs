'use strict';

// Hooks for Node 20: `import` in one of two ways, `require` here.

const Module = require('node:module');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const activity = require('./activity.cjs');
const inner = require('./hooks-inner.cjs');
const libraries = require('./libraries.cjs');
const { moduleOf, report } = require('./load.cjs');
const project = require('./project.cjs');
const { hookResolution } = require('./hooks-resolution.cjs');
const { asCommonJs } = require('./source.cjs');

const EXTENSIONS = ['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts', '.tsx', '.jsx'];
const JAVASCRIPT = /\.[cm]?js$/;
const INSTALLED = `${path.sep}node_modules${path.sep}`;

function install(entryUrl, job) {
  if (!inner.install(entryUrl)) {
    const data = { entryUrl, job, activity: activity.shared() };
    Module.register(pathToFileURL(path.join(__dirname, 'hooks-async.mjs')), { data });
    activity.useThread();
  }
  hookRequire(entryUrl);
}

function hookRequire(entryUrl) {
  hookResolution();
  const { '.js': loadJavaScript } = Module._extensions;
  for (const extension of EXTENSIONS) {
    const previous = Module._extensions[extension] ?? loadJavaScript;
    Module._extensions[extension] = function (module, file) {
      if (!load(module, file, entryUrl)) Reflect.apply(previous, this, [module, file]);
    };
  }
}

// Loads what is ours to load; returns whether it has. What Node is to load, it will rewrite.
function load(module, file, entryUrl) {
  if (file.includes(INSTALLED) && JAVASCRIPT.test(file) && !project.isEnvkit(file)) {
    activity.touch();
    if (!libraries.isLoading()) report(file);
    return false;
  }
  const loaded = moduleOf(pathToFileURL(file).href, { conditions: ['require'] }, entryUrl);
  if (loaded === undefined) return false;
  if (compile(module, file, loaded)) return true;
  report(file);
  const { _compile } = module;
  module._compile = function (code, name, format) {
    const kind = format === 'module' ? 'module' : 'commonjs';
    const { source } = loaded.rewrite({ format: kind, source: code }, readFileSync);
    return Reflect.apply(_compile, this, [source, name, format]);
  };
  return false;
}

// Compiles what we make ourselves; returns whether it was. The imports of an ES module that is required are out of reach of
// the hooks here, so it becomes CommonJS where it can.
function compile(module, file, { source, format }) {
  const converted = format === 'module' || (source === undefined && isOwnModule(file)) ? asCommonJs(file) : undefined;
  if (converted === undefined && source === undefined) return false;
  if (converted === undefined) module._compile(source, file, format === 'module' ? 'module' : undefined);
  else module._compile(converted, file);
  return true;
}

function isOwnModule(file) {
  if (!project.isOwn(file)) return false;
  return file.endsWith('.mjs') || (file.endsWith('.js') && project.packageOf(file)?.type === 'module');
}

module.exports = { install };
