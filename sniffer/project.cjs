'use strict';

// Tells apart the files of the workspace and those of installed packages, and knows their package.json.

const { readFileSync } = require('node:fs');
const path = require('node:path');
const { fileURLToPath } = require('node:url');

// Taken before the app runs, which may replace them.
const { parse } = JSON;

const INSTALLED = `${path.sep}node_modules${path.sep}`;

let roots = [];
let app;
const manifests = new Map();

// The workspace's root, and an app's folder, which a symbolic link may have put elsewhere.
function setRoots(root, appFolder) {
  app = appFolder;
  roots = [root, appFolder].map((folder) => (folder.endsWith(path.sep) ? folder : folder + path.sep));
}

// Whether a file belongs to the workspace: inside its root, and not installed by a package manager.
function isOwn(file) {
  return isUnderRoot(file) && !file.includes(INSTALLED);
}

function isUnderRoot(file) {
  return roots.some((root) => file.startsWith(root));
}

function appFolder() {
  return app;
}

// The file that a URL names; undefined where it names none.
function fileOf(url) {
  if (typeof url !== 'string' || !url.startsWith('file:')) return undefined;
  // Parsing costs more than looking: most names mean the same as a URL and as a path.
  return /^file:\/\/\/[\w@$+,=~./-]+$/.test(url) && path.sep === '/' ? url.slice('file://'.length) : fileURLToPath(url);
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
    const { name, version, type } = parse(text);
    return { folder, name, version, type };
  } catch {
    // Node reports a broken package.json better than we can.
    return { folder };
  }
}

// The package of a file: for an installed one what its path says, which needs no search; else the nearest with a name, as
// the nearest manifest may be a nameless `{"type":"module"}` in `dist/`.
function namedPackageOf(file) {
  const at = file.lastIndexOf(INSTALLED);
  if (at !== -1) {
    const [first, second] = file.slice(at + INSTALLED.length).split(path.sep, 2);
    return packageOfFolder(file.slice(0, at + INSTALLED.length) + (first.startsWith('@') ? path.join(first, second) : first));
  }
  let owner = packageOf(file);
  while (owner !== null && owner.name === undefined) {
    const above = path.dirname(owner.folder);
    owner = above === owner.folder ? null : packageOfFolder(above);
  }
  return owner;
}

// Whether a file is part of envkit, whatever its version and wherever it is installed or linked.
function isEnvkit(file) {
  return namedPackageOf(file)?.name === '@geekmidas/envkit';
}

module.exports = { appFolder, fileOf, setRoots, isOwn, isUnderRoot, packageOf, packageOfFolder, namedPackageOf, isEnvkit };
