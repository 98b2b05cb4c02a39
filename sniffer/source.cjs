'use strict';

// Decides what a file is and what of it runs: TypeScript is transformed, assets become modules, and the workspace's own
// modules say when their evaluation is finished. Used by whichever hooks the version of Node has.

const path = require('node:path');
const project = require('./project.cjs');
const typescript = require('./typescript.cjs');

// Taken before the app runs, which may replace them.
const { parse, stringify } = JSON;

// The global through which rewritten modules reach the worker.
const BRIDGE = 'globalThis[Symbol.for("gkm.sniff")]';

const TEXT_ASSETS = new Set(['.txt', '.sql', '.html', '.md', '.mdx', '.graphql', '.gql', '.yaml', '.yml', '.toml', '.hbs', '.ejs']);
const ASSETS = new Set([
  '.css', '.scss', '.sass', '.less', '.styl', '.svg', '.png', '.jpg', '.jpeg', '.gif', '.webp', '.avif', '.ico', '.bmp',
  '.woff', '.woff2', '.ttf', '.otf', '.eot', '.mp3', '.mp4', '.webm', '.wav', '.pdf', '.vue', '.svelte', '.astro',
]);
const JAVASCRIPT = new Set(['.js', '.mjs', '.cjs']);
const ESM_SYNTAX = /^\s*(?:import\s*(?:["'{*]|type\b|[\w$]+\s*(?:,|\bfrom\b))|export\s*(?:[{*]|default\b|const\b|let\b|var\b|async\b|function\b|class\b|enum\b|type\b|interface\b|abstract\b|declare\b|namespace\b))/m;
const TOP_LEVEL_AWAIT = /^(?:(?:export\s+)?(?:const|let|var)\s[^\n;]*=\s*)?await\b/m;

// `module` or `commonjs` for a file that we transform; undefined where Node decides by itself.
function formatOf(file, readSource) {
  const extension = path.extname(file);
  if (extension === '.mts') return 'module';
  if (extension === '.cts') return 'commonjs';
  if (!typescript.needsTransform(file)) return undefined;
  if (project.packageOf(file)?.type === 'module') return 'module';
  const source = readSource();
  return ESM_SYNTAX.test(source) || TOP_LEVEL_AWAIT.test(source) ? 'module' : 'commonjs';
}

// What a file of an asset or of plain data is as a module; undefined for everything else.
function assetModule(file, query, readSource) {
  const extension = path.extname(file).toLowerCase();
  if (/[?&]raw\b/.test(query) || TEXT_ASSETS.has(extension)) return exportDefault(readSource());
  if (/[?&](url|inline)\b/.test(query) || ASSETS.has(extension)) return exportDefault(`/${path.basename(file)}`);
  if (extension === '.json' && project.isOwn(file)) return jsonModule(readSource());
  return undefined;
}

function exportDefault(value) {
  return `export default ${stringify(value)};`;
}

// JSON with its members as named exports, as bundlers have it.
function jsonModule(source) {
  const value = parse(source.replace(/^\uFEFF/, ''));
  const names = value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.keys(value) : [];
  const exported = names.filter((name) => /^[A-Za-z_$][\w$]*$/.test(name)).map((name, index) => ({ name, index }));
  const locals = exported.map(({ name, index }) => `const _${index} = value[${stringify(name)}];`);
  const list = exported.filter(({ name }) => name !== 'default').map(({ name, index }) => `_${index} as ${name}`);
  return `const value = ${stringify(value)};${locals.join('')}export { ${list.join(', ')} };export default value;`;
}

// The code of a module that runs, on unchanged lines: additions stand on the first line and after the last.
function rewrite(file, url, code, format, { isEntry = false } = {}) {
  const own = project.isOwn(file);
  const envkit = project.isEnvkit(file);
  if (!own && !envkit) return code;
  let before = '';
  let after = '';
  if (envkit) after += format === 'module' ? selfImport(url) : `${BRIDGE}?.patch(module.exports);`;
  if (own) {
    after += `${BRIDGE}?.finished(${stringify(file)});`;
    if (format === 'module') {
      if (code.includes('import.meta.env')) before += `import.meta.env ??= ${BRIDGE}?.env();`;
      if (typescript.needsTransform(file)) before += commonJsNames(code);
      if (isEntry) before += 'import.meta.main = true;';
    }
  }
  return before === '' && after === '' ? code : withShebang(code, before, after);
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

// TypeScript of a CommonJS package runs as a module here, where these names would be missing.
function commonJsNames(code) {
  const missing = ['require', '__filename', '__dirname'].filter((name) => uses(code, name));
  return missing.length === 0 ? '' : `const { ${missing.join(', ')} } = ${BRIDGE}.commonJsNames(import.meta.url);`;
}

function uses(code, name) {
  if (!new RegExp(`(?<![\\w$.])${name}\\b`).test(code)) return false;
  return !new RegExp(`(?:const|let|var|function|class)\\s+${name}\\b|import\\s[^;\\n]*\\b${name}\\b|[{,]\\s*${name}\\s*[,}][^;\\n]*=`).test(code);
}

module.exports = { JAVASCRIPT, formatOf, assetModule, rewrite };
