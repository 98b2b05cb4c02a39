'use strict';

// Turns TypeScript and JSX into JavaScript of ES modules.
//
// oxc-transform, because it is the fastest that does all that TypeScript needs (measured in one process: 6 ms to load and
// 0.02 ms a small file; Node's own type stripping 47 ms and 0.3 ms, esbuild 8 ms and 72 ms for the first file, swc 17 ms
// and 0.4 ms) and because, other than Node's own, it drops imports that only name types, and does enums, parameter
// properties, JSX and legacy decorators on every version of Node. Where oxc is not installed, the app's own TypeScript
// serves, else Node's.

const { readFileSync } = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');
const libraries = require('./libraries.cjs');
const { compilerOptions } = require('./tsconfig.cjs');
const types = require('./types.cjs');

const SYNTAX = { '.ts': 'ts', '.mts': 'ts', '.cts': 'ts', '.tsx': 'tsx', '.jsx': 'jsx' };
// Node 24 runs all that TypeScript passes on; before, `using` must be lowered.
const TARGET = Number.parseInt(process.versions.node, 10) < 24 ? 'es2022' : undefined;

const CHANGING_NAMESPACE = /\bnamespace\s[^{]*\{[^]*\bexport\s+(?:let|var)\b/;

function needsTransform(file) {
  return path.extname(file) in SYNTAX && !/\.d\.[cm]?ts$/.test(file);
}

// Returns `{ code, map? }`; throws a SyntaxError that names file and line where the source is wrong.
function transform(file, source, { map = false } = {}) {
  const options = compilerOptions(file);
  const oxc = libraries.load('oxc-transform');
  // oxc takes what a namespace exports for constants.
  const exact = CHANGING_NAMESPACE.test(source) ? transformByTypeScript(file, source, options, map) : undefined;
  if (exact !== undefined) return exact;
  if (oxc === undefined) return transformByTypeScript(file, source, options, map) ?? transformByNode(file, source, map);
  const given = oxcOptions(file, options, map);
  const result = oxc.transformSync(file, source, given);
  const problem = result.errors?.find((error) => error.severity === 'Error');
  if (problem !== undefined) throw syntaxError(file, source, problem);
  if (types.hasMetadata(result.code)) {
    const plain = { ...given, decorator: { legacy: true } };
    result.code = types.lenientMetadata(result.code, oxc.transformSync(file, source, plain).code);
  }
  if (options.experimentalDecorators !== true && /^\s*@[\w$]/m.test(result.code)) {
    // No Node runs standard decorators yet, and oxc leaves them in place: the app's own TypeScript knows them.
    return transformByTypeScript(file, source, options, false) ?? result;
  }
  return { code: result.code, map: result.map };
}

function oxcOptions(file, options, map) {
  const assigned = !definesFields(options);
  return {
    lang: SYNTAX[path.extname(file)],
    target: TARGET,
    sourceType: 'module',
    sourcemap: map,
    typescript: {
      onlyRemoveTypeImports: options.verbatimModuleSyntax === true,
      removeClassFieldsWithoutInitializer: assigned,
    },
    decorator: {
      legacy: options.experimentalDecorators === true,
      emitDecoratorMetadata: options.emitDecoratorMetadata === true,
      strictNullChecks: options.strictNullChecks ?? options.strict === true,
    },
    assumptions: { setPublicClassFields: assigned },
    jsx: jsxOptions(options),
    helpers: { mode: 'External' },
  };
}

// Whether a field that a class only declares becomes a property: where nobody says, it follows from the target.
function definesFields({ useDefineForClassFields, target, experimentalDecorators }) {
  if (useDefineForClassFields !== undefined) return useDefineForClassFields;
  if (target === undefined) return experimentalDecorators !== true;
  return /^es(?:next|20(?:2[2-9]|[3-9]\d))$/i.test(target);
}

function jsxOptions(options) {
  if (options.jsx === 'react') {
    return { runtime: 'classic', pragma: options.jsxFactory, pragmaFrag: options.jsxFragmentFactory };
  }
  return { runtime: 'automatic', importSource: options.jsxImportSource };
}

function syntaxError(file, source, problem) {
  const line = lineOf(source, problem);
  const error = new SyntaxError(`${problem.message} (${file}:${line})`);
  error.stack = `SyntaxError: ${problem.message}\n    at ${file}:${line}:1`;
  error.sniffedAsSyntax = true;
  return error;
}

function lineOf(source, problem) {
  return source.slice(0, problem.labels?.[0]?.start ?? 0).split('\n').length;
}

// By the app's own TypeScript; undefined where it has none that does so (TypeScript 7 does not).
function transformByTypeScript(file, source, options, map) {
  const typescript = libraries.loadOfApp('typescript');
  if (typeof typescript?.transpileModule !== 'function') return undefined;
  const compilerOptions = { ...options, target: 'es2022', module: 'esnext', sourceMap: map, inlineSourceMap: false };
  if (/x$/.test(file)) compilerOptions.jsx = options.jsx === 'react' ? 'react' : 'react-jsx';
  delete compilerOptions.moduleResolution;
  const { outputText, sourceMapText } = typescript.transpileModule(source, { fileName: file, compilerOptions });
  return { code: outputText, map: sourceMapText };
}

// The place of the syntax error in a JavaScript or TypeScript file; undefined where it has none.
function problem(file) {
  const oxc = libraries.load('oxc-transform');
  const lang = SYNTAX[path.extname(file)] ?? 'js';
  const source = readFileSync(file, 'utf8');
  const found = oxc?.transformSync(file, source, { lang }).errors?.find((error) => error.severity === 'Error');
  return found === undefined ? undefined : `${file}:${lineOf(source, found)}`;
}

function transformByNode(file, source, map) {
  if (typeof nodeModule.stripTypeScriptTypes !== 'function' || /x$/.test(file)) {
    const error = new Error(`Nothing here can read ${file}: oxc-transform is not installed beside the sniffer`);
    error.code = 'SNIFF_NO_TYPESCRIPT';
    throw error;
  }
  const code = nodeModule.stripTypeScriptTypes(source, { mode: 'transform', sourceMap: map, sourceUrl: file });
  return { code };
}

module.exports = { problem, needsTransform, transform };
