'use strict';

// Tells apart the files of the workspace and those of installed packages, and knows their package.json.

const { readFileSync } = require('node:fs');
const path = require('node:path');

const INSTALLED = `${path.sep}node_modules${path.sep}`;

let root = path.sep;
const manifests = new Map();

function setRoot(folder) {
  root = folder;
}

// Whether a file belongs to the workspace: inside its root, and not installed by a package manager.
function isOwn(file) {
  return isUnderRoot(file) && !file.includes(INSTALLED);
}

function isUnderRoot(file) {
  return file.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
}

// The nearest package.json that has a name or a type, as `{ folder, name, version, type }`; null outside of any package.
function packageOf(file) {
  return packageOfFolder(path.dirname(file));
}

function packageOfFolder(folder) {
  const known = manifests.get(folder);
  if (known !== undefined) return known;
  const parent = path.dirname(folder);
  const found = readManifest(folder) ?? (parent === folder ? null : packageOfFolder(parent));
  manifests.set(folder, found);
  return found;
}

function readManifest(folder) {
  let text;
  try {
    text = readFileSync(path.join(folder, 'package.json'), 'utf8');
  } catch {
    return null;
  }
  try {
    const { name, version, type } = JSON.parse(text);
    return { folder, name, version, type };
  } catch {
    // Node reports a broken package.json better than we can.
    return { folder };
  }
}

// Whether a file is part of envkit, whatever its version and wherever it is installed or linked.
function isEnvkit(file) {
  // The nearest manifest may be a nameless `{"type":"module"}` in `dist/`.
  for (let owner = packageOf(file); owner !== null; owner = packageOfFolder(path.dirname(owner.folder))) {
    if (owner.name !== undefined) return owner.name === '@geekmidas/envkit';
    if (path.dirname(owner.folder) === owner.folder) return false;
  }
  return false;
}

module.exports = { setRoot, isOwn, isUnderRoot, packageOf, isEnvkit };
