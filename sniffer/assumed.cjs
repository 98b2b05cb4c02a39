'use strict';

// Variables that a run is given because the app does not load without them, or to see where their values go.

const environment = require('./environment.cjs');
const { texts } = require('./values.cjs');

const values = new Map();

// `variables` are `{ name, attempt, listed }`: the one of the likely texts to try, and those that the app said are valid.
function install(variables) {
  for (const [index, { name, attempt, listed }] of variables.entries()) {
    const all = [...new Set(texts(name, listed))];
    values.set(name, distinct(all[attempt % all.length], name, index));
  }
  environment.assume(Object.fromEntries(values));
}

// The text told apart from that of other variables, where it can be and stay what it is.
function distinct(text, name, index) {
  if (text.includes('://')) return `${text}?${name.toLowerCase()}`;
  if (/^[1-9]\d*$/.test(text)) return String(Number(text) + index);
  if (/^[\da-f]{64}$/.test(text)) return text.slice(0, -4) + index.toString(16).padStart(4, '0');
  return text;
}

// The variables whose values a value consists of: assumed ones, and such as the app has read and that are set anyway.
function originsOf(value, key) {
  if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return [];
  const text = String(value);
  const assumed = [...values].filter(([, part]) => text === part || (part.length >= 12 && text.includes(part)));
  const names = assumed.map(([name]) => name);
  if (names.length > 1 && assumed.every(([, part]) => part === text)) return namedLike(names, key);
  return names.length > 0 ? names : namedLike(environment.namesReadAndSet().filter((name) => environment.valueOf(name) === text), key);
}

// Where values are the same, the name tells: `logLevel` is LOG_LEVEL.
function namedLike(names, key) {
  const plain = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const alike = names.filter((name) => plain(name) === plain(key));
  return alike.length > 0 ? alike : names;
}

module.exports = { install, originsOf };
