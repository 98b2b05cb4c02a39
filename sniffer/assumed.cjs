'use strict';

// Variables that a run is given because the app does not load without them, or to see where their values go.

const environment = require('./environment.cjs');
const { texts } = require('./values.cjs');

const values = new Map();

// `variables` are `{ name, attempt, listed }`: the one of the likely texts to try, and those that the app said are valid.
function install(variables) {
  for (const [index, { name, attempt, listed }] of variables.entries()) {
    values.set(name, distinct(textOf(name, attempt, listed), name, index));
  }
  environment.assume(Object.fromEntries(values));
}

// The likeliest first; where the app refused it, what it said to be valid, then what else there is.
function textOf(name, attempt, listed) {
  const [first, ...others] = new Set(texts(name));
  if (attempt === 0) return first;
  const rest = [...new Set([...listed, ...others])].filter((text) => text !== first);
  return rest[(attempt - 1) % rest.length];
}

// The text told apart from that of other variables, where it can be and stay what it is.
function distinct(text, name, index) {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '-');
  if (text.includes('://')) return `${text}?${plain}`;
  if (text === '3000') return String(41_000 + index);
  if (/^[1-9]\d*$/.test(text)) return String(Number(text) + index);
  if (/^[\da-f]{64}$/.test(text)) return text.slice(0, -4) + index.toString(16).padStart(4, '0');
  if (text === '127.0.0.1') return `127.77.${index >> 8}.${(index & 255) + 1}`;
  if (text === 'example.com') return `${plain}.example.com`;
  return text === 'sniff@example.com' ? `${plain}@example.com` : text;
}

// The variables whose values a value consists of: assumed ones, and such as the app has read and that are set anyway.
function originsOf(value, key) {
  if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return [];
  const text = String(value);
  const assumed = [...values].filter(([, part]) => text === part || (isUnlikely(part) && contains(text, part)));
  const names = assumed.map(([name]) => name);
  if (names.length > 1 && assumed.every(([, part]) => part === text)) return namedLike(names, key);
  return names.length > 0 ? names : namedLike(environment.namesReadAndSet().filter((name) => environment.valueOf(name) === text), key);
}

// Whether a text is not found in another by chance.
function isUnlikely(part) {
  return part.length >= 10 || /^\d{5}$/.test(part);
}

// Whether a text holds another one, and not only as a part of a longer number.
function contains(text, part) {
  const at = text.indexOf(part);
  return at !== -1 && !(/\d$/.test(text.slice(0, at)) && /^\d/.test(part)) && !(/\d$/.test(part) && /^\d/.test(text.slice(at + part.length)));
}

// Where values are the same, the name tells: `logLevel` is LOG_LEVEL.
function namedLike(names, key) {
  const plain = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const alike = names.filter((name) => plain(name) === plain(key));
  return alike.length > 0 ? alike : names;
}

module.exports = { install, originsOf };
