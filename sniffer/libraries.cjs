'use strict';

// Finds the libraries that this worker stands on: beside us, else in the app's tree.

const nodeModule = require('node:module');
const path = require('node:path');

const found = new Map();

let appFolder = process.cwd();
let loading = false;

function setAppFolder(folder) {
  appFolder = folder;
}

// Whether a library is being loaded, whose files are none of the app's.
function isLoading() {
  return loading;
}

// The library of a name; undefined where neither place has it.
function load(name) {
  return once(name, () => [__filename, path.join(appFolder, 'package.json')]);
}

// The same of what the app chooses the version of.
function loadOfApp(name) {
  return once(name, () => [path.join(appFolder, 'package.json'), __filename]);
}

function once(name, bases) {
  if (!found.has(name)) found.set(name, find(name, bases()));
  return found.get(name);
}

function find(name, bases) {
  loading = true;
  try {
    for (const base of bases) {
      try {
        return nodeModule.createRequire(base)(name);
      } catch {
        // Not there, or without a binary for this machine: the next place.
      }
    }
    return undefined;
  } finally {
    loading = false;
  }
}

module.exports = { setAppFolder, isLoading, load, loadOfApp };
