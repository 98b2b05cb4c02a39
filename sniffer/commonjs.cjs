'use strict';

// Turns an ES module into CommonJS.
//
// By oxc's transform for Vite's module runner, which keeps bindings live and exports there before anything is imported, as
// TypeScript's own output does; `interop.cjs` is the other half, what its output calls. It takes 0.03 ms a small file, where
// esbuild starts a process of its own and rolldown would be 20 MB more to install.

const libraries = require('./libraries.cjs');

const IMPORT = /^const (__vite_ssr_import_\d+__) = await (?=__vite_ssr_import__\(("(?:[^"\\]|\\.)*"))/gm;
const EXPORT = /^Object\.defineProperty\(__vite_ssr_exports__, ("(?:[^"\\]|\\.)*"),/gm;
const STAR = /^__vite_ssr_exportAll__\((__vite_ssr_import_\d+__)\)/gm;
// What the output calls, by the names that `interop.cjs` has for it.
const NAMES =
  'exports:__vite_ssr_exports__,load:__vite_ssr_import__,loadLater:__vite_ssr_dynamic_import__,' +
  'exportAll:__vite_ssr_exportAll__,meta:__vite_ssr_import_meta__';

// The module's code as the body of a CommonJS module, on unchanged lines, with the names that it exports and the modules of
// which it exports all; undefined where that cannot be: it awaits at its top level, or nothing here can transform it.
function toCommonJs(file, code, bridge, { map = false } = {}) {
  const transform = libraries.load('oxc-transform')?.moduleRunnerTransformSync;
  if (transform === undefined) return undefined;
  const result = transform(file, code.replace(/^#![^\n]*/, ''), { sourcemap: map });
  if (result.errors.length > 0) return undefined;
  const imported = new Map();
  const body = result.code.replaceAll(IMPORT, (_, name, specifier) => {
    imported.set(name, JSON.parse(specifier));
    return `const ${name} = `;
  });
  if (awaits(body)) return undefined;
  const head = `"use strict";const {${NAMES}} = ${bridge}.commonJs(module, require, (specifier, options) => import(specifier, options));`;
  return {
    code: head + body,
    map: result.map,
    names: [...body.matchAll(EXPORT)].map(([, name]) => JSON.parse(name)),
    stars: [...body.matchAll(STAR)].map(([, name]) => imported.get(name)),
  };
}

// Whether code awaits outside of any function, which only an ES module can. Where a static block stands, `await` is neither a
// name nor allowed.
function awaits(body) {
  return /\bawait\b/.test(body) && !compiles(`class _ { static {${body}\n} }`) && compiles(`async () => {${body}\n}`);
}

function compiles(code) {
  const { Script } = require('node:vm');
  try {
    new Script(code);
    return true;
  } catch {
    return false;
  }
}

// An ES module that exports what a CommonJS one does, as bundlers have it: for what imports it from an ES module.
function facade(file, { names, stars }, bridge) {
  const quoted = JSON.stringify(file);
  const consts = names.map((name, index) => `const _${index} = module[${JSON.stringify(name)}];`);
  const list = names.map((name, index) => `_${index} as ${JSON.stringify(name)}`);
  const rest = stars.map((specifier) => `export * from ${JSON.stringify(specifier)};`);
  const whole = names.includes('default') ? '' : 'export default module;';
  return `${rest.join('')}const module = ${bridge}.required(${quoted});${consts.join('')}export { ${list.join(', ')} };${whole}`;
}

module.exports = { toCommonJs, facade, awaits };
