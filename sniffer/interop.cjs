'use strict';

// What modules call that `commonjs.cjs` has turned into CommonJS: imports with the meaning that tsc, tsx and bundlers give
// them there.

const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const assets = require('./assets.cjs');
const project = require('./project.cjs');
const { resolveUrl } = require('./resolve.cjs');
const { compilerOptions } = require('./tsconfig.cjs');

const namespaces = new WeakMap();

// The parts that a converted module is given.
function commonJs(module, require, importNatively) {
  const { filename } = module;
  Object.defineProperty(module.exports, '__esModule', { value: true });
  const load = (specifier, { importedNames } = {}) => namespaceOf(required(specifier, require), filename, importedNames);
  return {
    exports: exportsOf(module),
    load,
    loadLater: (specifier, options) => loadLater(specifier, options, filename, importNatively),
    exportAll: (namespace) => exportAll(module.exports, namespace),
    get meta() {
      return metaOf(filename, require);
    },
  };
}

// Takes the definitions of exports. What is read before it is initialised, in a cycle, is undefined there and no error: so
// it is in what tsc makes.
function exportsOf(module) {
  return new Proxy(module.exports, {
    defineProperty(target, name, { get }) {
      return Reflect.defineProperty(target, name, {
        enumerable: true,
        configurable: true,
        get: () => orUndefined(get),
        set(value) {
          Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
        },
      });
    },
  });
}

function orUndefined(get) {
  try {
    return get();
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

// Requires a module; one with a query is no module of its own to `require`.
function required(specifier, require) {
  const query = assets.queryOf(specifier);
  if (query === '') return require(specifier);
  const file = require.resolve(specifier.slice(0, specifier.length - query.length));
  const asset = assets.assetOf(file, query);
  return asset === undefined ? require(file) : asset.value();
}

// What a module's importer sees: `default` is the whole of a module that does not say that it was an ES module.
function namespaceOf(exports, importer, names) {
  if (exports === null || !['object', 'function'].includes(typeof exports)) return { default: exports };
  if (exports.__esModule) return exports;
  const plain = compilerOptions(importer).esModuleInterop === false;
  if (plain && (names === undefined || 'default' in exports)) return exports;
  if (!namespaces.has(exports)) namespaces.set(exports, withDefault(exports));
  return namespaces.get(exports);
}

// The exports, called and constructed as they are, with themselves as `default`.
function withDefault(exports) {
  return new Proxy(exports, {
    get(target, name) {
      if (name !== 'default' || isFixed(target, name)) return target[name];
      return target;
    },
    has: (target, name) => name === 'default' || name in target,
  });
}

// Whether a property can only be told as it is.
function isFixed(target, name) {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  return descriptor?.configurable === false && descriptor.writable !== true;
}

function exportAll(exports, namespace) {
  for (const name in namespace) {
    if (name === 'default' || Object.hasOwn(exports, name)) continue;
    Object.defineProperty(exports, name, { enumerable: true, configurable: true, get: () => namespace[name] });
  }
}

// `import()`, which stays one for tsc's newer module kinds and for bundlers, and is a `require` for the older.
async function loadLater(specifier, options, filename, importNatively) {
  const namespace = await importNatively(specifier, options);
  const isOld = [undefined, 'commonjs'].includes(compilerOptions(filename).module?.toLowerCase());
  return isOld && namespace.default?.__esModule ? namespace.default : namespace;
}

function metaOf(filename, require) {
  const { href: url } = pathToFileURL(filename);
  const load = (file) => namespaceOf(require(file), filename);
  return {
    url,
    filename,
    dirname: path.dirname(filename),
    main: require.main?.filename === filename,
    env: process.env,
    resolve: (specifier) => resolveUrl(specifier, filename) ?? pathToFileURL(require.resolve(specifier)).href,
    glob: (patterns, options) => matched(patterns, options, filename, load),
    globEager: (patterns) => matched(patterns, { eager: true }, filename, load),
  };
}

// Loaded where it is needed, as few apps do.
function matched(...args) {
  return require('./glob.cjs').modules(...args);
}

// What the names of CommonJS are in an ES module.
function commonJsNames(url) {
  const file = project.fileOf(url);
  return { require: createRequire(url), __filename: file, __dirname: path.dirname(file) };
}

// `import.meta.glob` of an ES module that has imported what its eager calls match.
function globOf(url, imported, importNatively) {
  const file = project.fileOf(url);
  const load = (match) => imported[match] ?? createRequire(url)(match);
  return (patterns, options) => matched(patterns, options, file, load, importNatively);
}

// What rewritten modules call.
const bridge = { commonJs, commonJsNames, required: (file) => createRequire(file)(file), glob: globOf };

module.exports = { bridge };
