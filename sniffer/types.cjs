'use strict';

// What is left of types at run time. tsc knows of each name whether it is a type; a transformer that sees one file does not,
// and keeps names that tsc leaves out: here they are undefined instead of an error.

const { readFileSync } = require('node:fs');

// Taken before the app runs, which may replace them.
const { parse, stringify } = JSON;

const METADATA = 'babelHelpers.decorateMetadata(';
// The type of a parameter or property in the metadata that the transformer prints.
const REFERENCE = /typeof ([\w$]+)(?: === "undefined" \|\| typeof \1[\w$.]+)* === "undefined" \? Object : (\1[\w$.]*)/g;
const IMPORT = /^import (?:([\w$]+)(?:, )?)?(?:\{ (.*) \})? ?from ("(?:[^"\\]|\\.)*");$/gm;
// A list of names that a module exports, of its own or of another.
const EXPORTS = /^export \{ (.*) \}(?: from ("(?:[^"\\]|\\.)*"))?;$/gm;
const TYPE = /\b(?:interface|type)\s+([\w$]+)/g;
const VALUE = /\b(?:const|let|var|function\*?|class|enum|namespace)\s+([\w$]+)/g;
const LIST = /\bexport\s+(type\s*)?\{([^}]*)\}(?:\s*from\s*(["'])([^"']+)\3)?/g;

const typesByFile = new Map();

// Whether a module's decorators say of which types things are.
function hasMetadata(code) {
  return code.includes(METADATA);
}

// The code of a module with metadata: a name in it is read where it is needed, and is `Object` where it is not there or not
// yet. What only the metadata name is imported so that it may be missing. `plain` is the code without metadata.
function lenientMetadata(code, plain) {
  const kept = new Set([...plain.matchAll(IMPORT)].flatMap(localNames));
  const moved = new Map();
  let count = 0;
  const imports = code.replace(IMPORT, (line, whole, list, from) => {
    const only = specifiers(whole, list).filter(({ local }) => !kept.has(local));
    if (only.length === 0) return line;
    const namespace = `gkmTypes${count++}`;
    for (const { imported, local } of only) moved.set(local, `${namespace}[${stringify(imported)}]`);
    const rest = specifiers(whole, list).filter(({ local }) => kept.has(local));
    const named = rest.map(({ imported, local }) => `${nameOf(imported)} as ${local}`).join(', ');
    return `import * as ${namespace} from ${from};${named === '' ? '' : `import { ${named} } from ${from};`}`;
  });
  return imports.replace(REFERENCE, (_, name, path) => {
    const found = moved.get(name);
    return `babelHelpers.type(() => ${found === undefined ? path : found + path.slice(name.length)})`;
  });
}

function localNames([, whole, list]) {
  return specifiers(whole, list).map(({ local }) => local);
}

// `{ imported, local }` of an import's names.
function specifiers(whole, list) {
  const named = (list ?? '').split(', ').filter((item) => item !== '').map((item) => {
    const [imported, local = imported] = item.split(' as ');
    return { imported: imported.startsWith('"') ? parse(imported) : imported, local };
  });
  return whole === undefined ? named : [{ imported: 'default', local: whole }, ...named];
}

function nameOf(imported) {
  return /^[\w$]+$/.test(imported) ? imported : stringify(imported);
}

// The code of an ES module without what it exports of others that is only a type there, for which Node would look in vain.
// `find` gives the file of the workspace that a specifier names.
function withoutTypes(code, find) {
  const imported = new Map();
  for (const [, whole, list, from] of code.matchAll(IMPORT)) {
    for (const item of specifiers(whole, list)) imported.set(item.local, { ...item, from: parse(from) });
  }
  const dropped = new Set();
  const isType = (from, name) => {
    const file = find(from);
    return file !== undefined && typesOf(file, find).has(name);
  };
  const exported = code.replace(EXPORTS, (line, list, from) => {
    const kept = specifiers(undefined, list).filter(({ imported: name }) => {
      if (from !== undefined) return !isType(parse(from), name);
      const origin = imported.get(name);
      if (origin === undefined || !isType(origin.from, origin.imported)) return true;
      dropped.add(name);
      return false;
    });
    return kept.length === specifiers(undefined, list).length ? line : exportLine(kept, from);
  });
  return dropped.size === 0 ? exported : withoutImports(exported, dropped);
}

function exportLine(kept, from) {
  const names = kept.map(({ imported, local }) => `${nameOf(imported)} as ${nameOf(local)}`);
  return `export { ${names.join(', ')} }${from === undefined ? '' : ` from ${from}`};`;
}

function withoutImports(code, dropped) {
  return code.replace(IMPORT, (line, whole, list, from) => {
    const all = specifiers(whole, list);
    const kept = all.filter(({ local }) => !dropped.has(local));
    if (kept.length === all.length) return line;
    return `import { ${kept.map(({ imported, local }) => `${nameOf(imported)} as ${local}`).join(', ')} } from ${from};`;
  });
}

// The names that a TypeScript file exports and that are only types.
function typesOf(file, find) {
  const known = typesByFile.get(file);
  if (known !== undefined) return known;
  const types = new Set();
  // Before it is filled: files may export each other's.
  typesByFile.set(file, types);
  const source = /\.[cm]?tsx?$/.test(file) ? readFileSync(file, 'utf8') : '';
  const values = new Set([...source.matchAll(VALUE)].map(([, name]) => name));
  const declared = new Set([...source.matchAll(TYPE)].map(([, name]) => name).filter((name) => !values.has(name)));
  for (const [, name] of source.matchAll(/\bexport\s+(?:declare\s+)?(?:interface|type)\s+([\w$]+)/g)) {
    if (!values.has(name)) types.add(name);
  }
  for (const [, onlyTypes, list, , from] of source.matchAll(LIST)) {
    const origin = from === undefined ? undefined : find(from, file);
    for (const { name, exported, isType } of listed(list)) {
      const isOfOther = origin !== undefined && typesOf(origin, find).has(name);
      if (onlyTypes !== undefined || isType || isOfOther || (from === undefined && declared.has(name))) types.add(exported);
    }
  }
  return types;
}

function listed(list) {
  return list.split(',').map((item) => item.trim()).filter((item) => item !== '').map((item) => {
    const isType = /^type\s+[\w$]/.test(item);
    const [name, exported = name] = item.replace(/^type\s+(?=[\w$])/, '').split(/\s+as\s+/);
    return { name, exported, isType };
  });
}

module.exports = { hasMetadata, lenientMetadata, withoutTypes };
