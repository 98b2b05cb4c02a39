'use strict';

// What of a file of the workspace runs: TypeScript is transformed and is an ES module or CommonJS as for tsc, and the
// workspace's own modules say when their evaluation is finished. Used by whichever hooks the version of Node has.

const { readFileSync } = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const assets = require('./assets.cjs');
const { awaits, facade, toCommonJs } = require('./commonjs.cjs');
const project = require('./project.cjs');
const { resolveUrl } = require('./resolve.cjs');
const { compilerOptions } = require('./tsconfig.cjs');
const types = require('./types.cjs');
const typescript = require('./typescript.cjs');

// Taken before the app runs, which may replace it.
const { stringify } = JSON;

// The global through which rewritten modules reach the worker.
const BRIDGE = 'globalThis[Symbol.for("gkm.sniff")]';
// The syntax of ES modules in what the transformer prints.
const MODULE_SYNTAX = /^(?:import|export)\b|\bimport\.meta\b/m;
const ATTRIBUTE = /^((?:import|export)\b.*?)("(?:[^"\\]|\\.)*") (?:with|assert) \{ "?type"?: "(\w+)" \};$/gm;

const compiledFiles = new Map();
let format;

// Makes all TypeScript of the workspace `module` or `commonjs`, where what its packages say has proved impossible.
function setFormat(given) {
  format = given;
}

// `{ format, code, names?, stars? }` of a file that we transform; undefined where Node decides by itself. What has `names` was
// written as an ES module and is CommonJS, as tsc makes it in a package that does not say `"type": "module"`.
function compiled(file) {
  if (!typescript.needsTransform(file)) return undefined;
  if (!compiledFiles.has(file)) compiledFiles.set(file, compile(file));
  return compiledFiles.get(file);
}

function compile(file) {
  const code = withoutAttributes(typescript.transform(file, readFileSync(file, 'utf8')).code);
  const isModule = isModuleByName(file);
  if (!MODULE_SYNTAX.test(code)) return { format: isModule || awaits(code) ? 'module' : 'commonjs', code };
  const converted = isModule ? undefined : toCommonJs(file, code, BRIDGE);
  if (converted !== undefined) return { format: 'commonjs', ...converted };
  const { isolatedModules, verbatimModuleSyntax } = compilerOptions(file);
  if (isolatedModules === true || verbatimModuleSyntax === true) return { format: 'module', code };
  return { format: 'module', code: types.withoutTypes(code, (specifier, from = file) => ownFile(specifier, from)) };
}

// The file of the workspace that a specifier names; undefined for everything else.
function ownFile(specifier, from) {
  const found = project.fileOf(resolveUrl(specifier, from));
  return found !== undefined && project.isOwn(found) ? found : undefined;
}

function isModuleByName(file) {
  const extension = path.extname(file);
  if (extension === '.mts') return true;
  if (extension === '.cts') return false;
  return format === undefined ? project.packageOf(file)?.type === 'module' : format === 'module';
}

// `with { type: … }` as the query that means the same, whatever Node knows of it.
function withoutAttributes(code) {
  return code.replace(ATTRIBUTE, (_, head, specifier, type) => {
    const name = JSON.parse(specifier);
    const query = assets.queryOfAttribute(type);
    return `${head}${stringify(query === '' ? name : name + (name.includes('?') ? query.replace('?', '&') : query))};`;
  });
}

// The code of an own ES module as that of a CommonJS one, for where it is required and cannot be loaded so; undefined where
// it cannot be made so.
function asCommonJs(file) {
  const code = compiled(file)?.code ?? readFileSync(file, 'utf8');
  const converted = toCommonJs(file, withoutAttributes(code), BRIDGE);
  return converted && finishing(file, pathToFileURL(file).href, converted.code, 'commonjs');
}

// The source maps from what runs of a file to what was written, to be followed in their order.
function mapsOf(file) {
  const { code, map } = typescript.transform(file, readFileSync(file, 'utf8'), { map: true });
  const isConverted = compiled(file).names !== undefined;
  const converted = isConverted ? toCommonJs(file, withoutAttributes(code), BRIDGE, { map: true }) : undefined;
  return [converted?.map, map].filter((found) => found !== undefined && found !== null);
}

// The source of a CommonJS module for those who import it; undefined where Node's own way serves.
function facadeOf(file, { names, stars }) {
  return names && facade(file, { names, stars }, BRIDGE);
}

// The code of a module that runs, on unchanged lines: additions stand on the first line and after the last.
function finishing(file, url, code, format, { isEntry = false } = {}) {
  const own = project.isOwn(file);
  const envkit = project.isEnvkit(file);
  if (!own && !envkit) return code;
  let before = '';
  let after = '';
  if (envkit) after += format === 'module' ? selfImport(url) : `${BRIDGE}?.patch(module.exports);`;
  if (own) {
    after += `${BRIDGE}?.finished(${stringify(file)});`;
    if (format === 'module') before += moduleNames(file, code, isEntry);
  }
  return before === '' && after === '' ? code : withShebang(code, before, after);
}

// What bundlers and tsx give a module beyond Node, as far as it uses it.
function moduleNames(file, code, isEntry) {
  let names = '';
  if (code.includes('import.meta.env')) names += `import.meta.env ??= ${BRIDGE}?.env();`;
  if (code.includes('import.meta.glob')) names += globNames(file, code);
  if (typescript.needsTransform(file)) names += commonJsNames(code);
  if (isEntry) names += 'import.meta.main = true;';
  return names;
}

function globNames(file, code) {
  // Loaded where it is needed, as few apps do.
  const files = require('./glob.cjs').eagerFiles(code, file);
  const imports = files.map((match, index) => `import * as gkmMatched${index} from ${stringify(pathToFileURL(match).href)};`);
  const members = files.map((match, index) => `${stringify(match)}: gkmMatched${index}`);
  const later = '(file) => import(file)';
  return `${imports.join('')}import.meta.glob = ${BRIDGE}.glob(import.meta.url, { ${members.join(', ')} }, ${later});import.meta.globEager = (patterns) => import.meta.glob(patterns, { eager: true });`;
}

function withShebang(code, before, after) {
  const shebang = /^#![^\n]*/.exec(code)?.[0] ?? '';
  const rest = code.slice(shebang.length);
  // A shebang must stay first, and `before` must not be part of it.
  const head = shebang === '' ? before : `//${shebang}`;
  return shebang === '' ? `${head}${rest}\n;${after}` : `${head}${rest.replace(/^\r?\n?/, (newline) => newline + before)}\n;${after}`;
}

// A module can import itself: by its end, all its exports are initialised.
function selfImport(url) {
  return `import * as gkmSniffedExports from ${stringify(url)};${BRIDGE}?.patch(gkmSniffedExports);`;
}

// TypeScript of an ES module that tsx runs or a bundler takes has these names.
function commonJsNames(code) {
  const missing = ['require', '__filename', '__dirname'].filter((name) => uses(code, name));
  return missing.length === 0 ? '' : `const { ${missing.join(', ')} } = ${BRIDGE}.commonJsNames(import.meta.url);`;
}

function uses(code, name) {
  if (!new RegExp(`(?<![\\w$.])${name}\\b`).test(code)) return false;
  return !new RegExp(`(?:const|let|var|function|class)\\s+${name}\\b|import\\s[^;\\n]*\\b${name}\\b|[{,]\\s*${name}\\s*[,}][^;\\n]*=`).test(code);
}

module.exports = { setFormat, compiled, asCommonJs, facadeOf, finishing, mapsOf };
