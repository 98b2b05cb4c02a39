'use strict';

// Input values that a schema may accept, the likeliest first.

const { describe } = require('./describe.cjs');
const { sample } = require('./pattern.cjs');

// Port 9 is never served: connecting to it fails at once instead of hanging.
const NOWHERE = '127.0.0.1:9';
const HEX = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';

// What variables of a name usually hold.
const BY_NAME = [
  [/^NODE_ENV$/, 'production'],
  [/(^|_)PORT$/, '3000'],
  [/REDIS.*(URL|URI)$|CACHE_(URL|URI)$/, `redis://${NOWHERE}`],
  [/MONGO.*(URL|URI)$/, `mongodb://${NOWHERE}/database`],
  [/MYSQL.*(URL|URI)$/, `mysql://user:password@${NOWHERE}/database`],
  [/(RABBIT|AMQP).*(URL|URI)$/, `amqp://user:password@${NOWHERE}`],
  [/(DATABASE|POSTGRES|PG|DB).*(URL|URI|CONNECTION_STRING)$/, `postgresql://user:password@${NOWHERE}/database`],
  [/(URL|URI|ENDPOINT|ORIGIN|ORIGINS|DSN|WEBHOOK|CALLBACK)$/, `http://${NOWHERE}`],
  [/HOST(NAME)?$/, '127.0.0.1'],
  [/DOMAIN$/, 'example.com'],
  [/(EMAIL|MAIL_FROM|_FROM)$/, 'sniff@example.com'],
  [/LEVEL$/, 'info'],
  [/REGION$/, 'eu-west-1'],
  [/(SECRET|KEY|TOKEN|PASSWORD|SALT)$/, HEX],
  [/(TIMEOUT|COUNT|SIZE|LIMIT|TTL|MS|SECONDS|MINUTES|MAX|MIN|INTERVAL|RETRIES)$/, '10'],
  [/(ENABLED?|DISABLED?|DEBUG|VERBOSE)$/, 'false'],
];

// Texts of the formats that schemas check for.
const TEXTS = [
  `http://${NOWHERE}`, '3000', '1', 'true', 'false', 'sniff', 'a', HEX, `https://example.com`,
  `postgresql://user:password@${NOWHERE}/database`, `redis://${NOWHERE}`, 'sniff@example.com', '{}', '[]', '["a"]',
  '00000000-0000-4000-8000-000000000000', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00Z', '2026-01-01', '00:00:00',
  '127.0.0.1', '::1', '10.0.0.0/8', 'localhost', 'example.com', 'c25pZmY=', 'c25pZmY', HEX.slice(0, 32), 'ABC', 'info',
  'cjld2cjxh0000qzrmn831i7rn', 'tz4a98xxat96iws9zmbrgj3a', '01ARZ3NDEKTSV4RRFFQ69G5FAV', 'V1StGXR8_Z5jdHi6B-myT',
  'P1D', '+15555550123', 'a=b', 'a,b', 'a:b', '0', '0.5', '10', '100', '',
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', '😀',
];

const NUMBERS = [3000, 1, 10, 0, 100, 1000, 0.5, -1];

function* inputs(schema, name, depth = 0) {
  if (depth > 12) return;
  const shape = describe(schema);
  const { kind } = shape;
  if (kind === 'string' || kind === 'template_literal') yield* strings(shape, name, schema);
  else if (kind === 'number' || kind === 'int' || kind === 'nan') yield* numbers(shape, name);
  else if (kind === 'bigint') yield* [1n, 0n, 3000n, '3000'];
  else if (kind === 'boolean') yield* [false, true, 'false', 'true'];
  else if (kind === 'date') yield* [new Date('2026-01-01T00:00:00Z'), '2026-01-01T00:00:00Z'];
  else if (kind === 'enum') yield* preferred(shape.values);
  else if (kind === 'pipe') yield* piped(shape, name, depth);
  else if (kind === 'effect') yield* both(inputs(shape.inner, name, depth + 1), strings({}, name));
  else if (kind === 'array' || kind === 'set') yield* collections(shape, name, depth);
  else if (kind === 'object') yield* objects([shape.shape], name, depth);
  else if (kind === 'tuple') yield* [shape.items.map((item) => first(item, name, depth))];
  else if (kind === 'record') yield* [{}, { a: 'a' }];
  else if (kind === 'map') yield new Map();
  else if (kind === 'union') for (const option of shape.options) yield* inputs(option, name, depth + 1);
  else if (kind === 'intersection') yield* intersections(shape.options, name, depth);
  else if (kind === 'null') yield null;
  else if (kind === 'undefined' || kind === 'void') yield undefined;
  else if (shape.inner !== undefined) yield* inputs(shape.inner, name, depth + 1);
  else yield* anything(name);
}

function* both(...generators) {
  for (const generator of generators) yield* generator;
}

function* anything(name) {
  yield* strings({}, name);
  yield* NUMBERS;
  yield* [false, true, {}, [], null, new Date('2026-01-01T00:00:00Z')];
}

function* strings({ checks = [] }, name, schema) {
  const all = [...textsByName(name), ...TEXTS];
  const parts = Object.assign({}, ...['prefix', 'suffix', 'includes'].map((part) => pick(checks, part)));
  const patterns = checks.map(({ pattern }) => pattern).filter((pattern) => pattern instanceof RegExp);
  const template = schema?._zod?.pattern;
  if (parts.prefix ?? parts.suffix ?? parts.includes) {
    for (const body of ['', HEX, `http://${NOWHERE}`, 'sniff']) {
      yield* fitted(`${parts.prefix ?? ''}${parts.includes ?? ''}${body}${parts.suffix ?? ''}`, checks, parts.suffix);
    }
  }
  for (const text of all) yield text;
  for (const pattern of template instanceof RegExp ? [...patterns, template] : patterns) yield* sample(pattern);
  for (const text of ['sniff', HEX, '3000', `http://${NOWHERE}`]) yield* fitted(text, checks, '');
}

function pick(checks, part) {
  const found = checks.find((check) => check[part] !== undefined);
  return found === undefined ? {} : { [part]: found[part] };
}

// The text, longer or shorter as the checks want it.
function* fitted(text, checks, suffix = '') {
  const minimum = Math.max(0, ...checks.map((check) => Number(check.length ?? check.minimum ?? 0)));
  const maximum = Math.min(...checks.map((check) => Number(check.length ?? check.maximum ?? Infinity)), Infinity);
  yield text;
  if (minimum > 100_000) return;
  const body = suffix === '' ? text : text.slice(0, -suffix.length);
  if (text.length < minimum) yield body + 'a'.repeat(minimum - text.length) + suffix;
  if (text.length > maximum) yield text.slice(0, maximum);
}

function* textsByName(name) {
  for (const [pattern, text] of BY_NAME) if (pattern.test(name)) yield text;
}

function* numbers({ checks = [] }, name) {
  for (const text of textsByName(name)) if (text !== '' && Number.isFinite(Number(text))) yield Number(text);
  for (const { minimum, maximum, step } of checks) {
    if (typeof minimum === 'number') yield* [minimum, minimum + 1, Math.ceil(minimum)];
    if (typeof maximum === 'number') yield* [maximum, maximum - 1, Math.floor(maximum)];
    if (typeof step === 'number') yield* [step, step * 10];
  }
  yield* NUMBERS;
  yield* [Number.NaN, '3000', '1'];
}

// The likeliest members of an enum first: what a deployed app would have.
function preferred(values) {
  const likely = ['production', 'info', 'postgres', 'false'];
  return [...values].sort((a, b) => rank(likely, a) - rank(likely, b));
}

function rank(likely, value) {
  const position = likely.indexOf(value);
  return position === -1 ? likely.length : position;
}

// What goes in decides; what must come out says what a text has to hold (JSON, lists).
function* piped({ input, output }, name, depth) {
  if (describe(input).kind === 'transform') yield* inputs(output, name, depth + 1);
  yield* inputs(input, name, depth + 1);
  let count = 0;
  for (const value of describe(output).kind === 'transform' ? [] : inputs(output, name, depth + 1)) {
    if (++count > 20) break;
    yield typeof value === 'string' ? value : json(value);
    yield Buffer.from(json(value)).toString('base64');
  }
  yield* strings({}, name);
}

function json(value) {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

function first(schema, name, depth) {
  return mockInput(schema, name, depth + 1);
}

function* collections({ kind, element }, name, depth) {
  const item = first(element, name, depth);
  const wrap = (items) => (kind === 'set' ? new Set(items) : items);
  yield* [wrap([item]), wrap([]), wrap([item, item, item])];
  yield* strings({}, name);
}

function* objects(shapes, name, depth) {
  const value = {};
  for (const shape of shapes) {
    for (const [key, schema] of Object.entries(shape)) value[key] = first(schema, key.toUpperCase(), depth);
  }
  yield value;
  yield json(value);
}

function* intersections(options, name, depth) {
  const shapes = options.map(describe).map(({ shape }) => shape);
  if (shapes.every((shape) => shape !== undefined)) yield* objects(shapes, name, depth);
  for (const option of options) yield* inputs(option, name, depth + 1);
}

// The first input that the schema accepts by itself, else the likeliest.
function mockInput(schema, name, depth = 0) {
  let likeliest;
  let count = 0;
  for (const input of inputs(schema, name, depth)) {
    if (count++ === 0) likeliest = input;
    if (accepts(schema, input)) return input;
  }
  return likeliest;
}

function accepts(schema, input) {
  try {
    if (schema._zod?.run !== undefined) {
      const result = schema._zod.run({ value: input, issues: [] }, { async: true });
      if (typeof result?.then !== 'function') return result.issues.length === 0;
      result.then(undefined, () => {});
      return false;
    }
    return schema.safeParse(input).success;
  } catch {
    return false;
  }
}

// Texts that a variable of a name may hold, the likeliest first.
function* texts(name) {
  yield* textsByName(name);
  yield* TEXTS;
}

module.exports = { inputs, mockInput, texts };
