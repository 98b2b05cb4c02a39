'use strict';

// What a file that is no JavaScript or TypeScript is as a module, as bundlers have it: JSON its value, images and styles
// their path, everything else its text.

const { readFileSync } = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');
const project = require('./project.cjs');

// Taken before the app runs, which may replace them.
const { parse, stringify } = JSON;

const CODE = new Set(['.js', '.mjs', '.cjs', '.jsx', '.ts', '.mts', '.cts', '.tsx']);
const TEXTS = new Set(['.txt', '.sql', '.html', '.md', '.mdx', '.graphql', '.gql', '.yaml', '.yml', '.toml', '.hbs', '.ejs', '.pem']);
const PATHS = new Set([
  '.css', '.scss', '.sass', '.less', '.styl', '.svg', '.png', '.jpg', '.jpeg', '.gif', '.webp', '.avif', '.ico', '.bmp',
  '.woff', '.woff2', '.ttf', '.otf', '.eot', '.mp3', '.mp4', '.webm', '.wav', '.pdf', '.vue', '.svelte', '.astro',
]);
// What a query or an import attribute makes of a file, whatever it is.
const ASKED = [
  [/[?&]raw\b/, text],
  [/[?&]bytes\b/, bytes],
  [/[?&](?:shared)?worker\b/, worker],
  [/[?&]init\b/, initializer],
  [/[?&](?:url|inline|no-inline)\b/, location],
];
const ATTRIBUTES = { text: '?raw', bytes: '?bytes', file: '?url' };

// `?…` at the end of a specifier; empty where there is none.
function queryOf(specifier) {
  const at = typeof specifier === 'string' ? specifier.indexOf('?') : -1;
  return at === -1 ? '' : specifier.slice(at);
}

// The query that says the same as an import attribute; empty for those that change nothing.
function queryOfAttribute(type) {
  return ATTRIBUTES[type] ?? '';
}

// `{ module(), commonJs(), value() }`: the source of the ES module or CommonJS module that a file is, and its value; undefined
// where it is code, or what Node itself loads.
function assetOf(file, query = '') {
  const asked = ASKED.find(([pattern]) => pattern.test(query))?.[1];
  const make = asked ?? byExtension(file);
  return make && rendered(make(file));
}

function byExtension(file) {
  const extension = path.extname(file).toLowerCase();
  if (extension === '' || CODE.has(extension)) return undefined;
  if (extension === '.json') return json;
  if (PATHS.has(extension)) return location;
  if (TEXTS.has(extension)) return text;
  // Only of the app's own: what a package loads in such a way, it has loaded so before. And an app may have its own loader.
  if (!project.isOwn(file) || isLoadedByApp(extension)) return undefined;
  if (extension === '.wasm') return webAssembly;
  return extension === '.node' ? addon : text;
}

function isLoadedByApp(extension) {
  return Object.hasOwn(nodeModule._extensions, extension) && extension !== '.node';
}

// An expression, and the members of its value that are exports too.
function rendered({ expression, names = [] }) {
  return {
    module() {
      const exported = names.filter((name) => name !== 'default' && /^[A-Za-z_$][\w$]*$/.test(name));
      const locals = exported.map((name, index) => `const _${index} = value[${stringify(name)}];`);
      const list = exported.map((name, index) => `_${index} as ${name}`);
      return `const value = ${expression};${locals.join('')}export { ${list.join(', ')} };export default value;`;
    },
    commonJs: () => `module.exports = ${expression};`,
    value: () => new Function(`return ${expression};`)(),
  };
}

function text(file) {
  return { expression: stringify(readFileSync(file, 'utf8')) };
}

function location(file) {
  return { expression: stringify(`/${path.basename(file)}`) };
}

function bytes(file) {
  return { expression: `new Uint8Array(Buffer.from(${stringify(readFileSync(file, 'base64'))}, 'base64'))` };
}

function json(file) {
  const value = parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
  return { expression: `(${stringify(value)})`, names: isObject ? Object.keys(value) : [] };
}

// A thread of the browser, which does not exist here.
function worker() {
  return { expression: 'class extends EventTarget { postMessage() {} terminate() {} }' };
}

function initializer() {
  return { expression: '(async () => ({ exports: {} }))' };
}

// A compiled module as `default`; its functions, for those who take them by name, do nothing.
function webAssembly(file) {
  let module;
  try {
    module = new WebAssembly.Module(readFileSync(file));
  } catch {
    return text(file);
  }
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  const stubs = names.map((name) => `${stringify(name)}: { value: () => 0 }`);
  const compiled = `new WebAssembly.Module(Buffer.from(${stringify(readFileSync(file, 'base64'))}, 'base64'))`;
  return { expression: `Object.defineProperties(${compiled}, { ${stubs.join(', ')} })`, names };
}

// A native addon; nothing where it is not made for this machine.
function addon(file) {
  const open = `process.dlopen(module, ${stringify(file)})`;
  return { expression: `(() => { const module = { exports: {} }; try { ${open}; } catch {} return module.exports; })()` };
}

module.exports = { CODE, queryOf, queryOfAttribute, assetOf };
