'use strict';

// Makes envkit's parser report what is asked of it, and answer with values that let the app go on.
//
// The real module runs; only `create` on the prototype of its parser classes is wrapped. So every other export, every
// subclass, `instanceof` and every way to import it stay as they are, in versions we have never seen too. It relies on
// nothing but the public contract: `create(builder)` calls `builder(get)`, and `get(name)` gives something like zod.

const activity = require('./activity.cjs');
const channel = require('./channel.cjs');
const environment = require('./environment.cjs');
const { originsOf } = require('./assumed.cjs');
const { callSite } = require('./location.cjs');
const { judgeAbsence, mockOutput, rawSchema, isSchema } = require('./schema.cjs');
const undeployed = require('./undeployed.cjs');

const PARSERS = ['EnvironmentParser', 'SnifferEnvironmentParser'];
const patched = new WeakSet();
const sniffing = new WeakSet();
const tracked = new WeakMap();

// How often each name was asked for.
const asked = new Map();
let requests = 0;

// Takes the exports of a module of envkit, right after it was evaluated.
function patchExports(exports) {
  for (const name of PARSERS) {
    let parser;
    try {
      parser = exports[name];
    } catch {
      // A binding that is not initialised yet, in a cycle: the module that defines it is patched on its own.
      continue;
    }
    if (typeof parser === 'function') patchPrototype(parser.prototype);
  }
}

function patchPrototype(prototype) {
  if (!prototype || patched.has(prototype) || !Object.hasOwn(prototype, 'create')) return;
  patched.add(prototype);
  const create = prototype.create;
  prototype.create = function (builder, ...rest) {
    if (typeof builder !== 'function') return Reflect.apply(create, this, [builder, ...rest]);
    return Reflect.apply(create, this, [sniffingBuilder(builder, this), ...rest]);
  };
}

function sniffingBuilder(builder, parser) {
  return function (get, ...rest) {
    // A parser that hands on to another one's `create` is already being watched.
    if (sniffing.has(get)) return Reflect.apply(builder, this, [get, ...rest]);
    const ask = (name, ...others) => {
      const request = { id: ++requests, name: String(name), ...sourceOf(parser, String(name)) };
      activity.asked();
      asked.set(request.name, (asked.get(request.name) ?? 0) + 1);
      const { id, source, origins } = request;
      channel.send('asked', { id, name: request.name, source, origins, ...callSite() });
      return watchNamespace(get(name, ...others), request);
    };
    sniffing.add(ask);
    const shape = Reflect.apply(builder, this, [ask, ...rest]);
    judgeShape(shape, new Set());
    return shape;
  };
}

// Where the parser has the value of a key from: the variable of that name (`variable`), the app (`given`), or an expression
// of the app's that gave nothing (`nothing`), where the key is a name of the app's own. `origins` are the variables that
// the value consists of, where it shows.
function sourceOf(parser, name) {
  const { config } = parser;
  if (config === null || typeof config !== 'object' || !Object.hasOwn(config, name)) return { source: 'absent' };
  const value = config[name];
  if (value === undefined) return { source: environment.wasRead(name) ? 'variable' : 'nothing' };
  if (value === environment.valueOf(name) || undeployed.isOfTemplate(name, value)) return { source: 'variable' };
  const origins = originsOf(value, name);
  // Built from variables that are not set: what the schema says of absence counts.
  if (isBroken(value)) return { source: 'nothing', origins };
  return { source: 'given', given: value, origins };
}

function isBroken(value) {
  return Number.isNaN(value) || (typeof value === 'string' && /\b(?:undefined|NaN)\b/.test(value));
}

// Wraps what `get(name)` gives: a namespace of schema factories, in some versions a schema.
function watchNamespace(namespace, request) {
  if (isSchema(namespace)) return watchSchema(namespace, request);
  if (namespace === null || typeof namespace !== 'object') return namespace;
  // A target of our own: that of a module namespace would forbid to answer with anything but its members.
  return new Proxy(
    {},
    {
      get(_, property) {
        const value = Reflect.get(namespace, property);
        if (typeof value === 'function') return (...args) => watchResult(value.apply(namespace, args), args, request);
        // `coerce`, `iso` and the like hold factories of their own.
        if (value !== null && typeof value === 'object') return watchNamespace(value, request);
        return value;
      },
      has: (_, property) => property in namespace,
    },
  );
}

function watchResult(result, args, request) {
  if (!isSchema(result)) return result;
  for (const argument of args.flat(2)) absorb(argument, request);
  return watchSchema(result, request);
}

// A schema that became a part of another one of the same variable: the whole says what is required.
function absorb(part, request) {
  const found = part !== null && typeof part === 'object' ? tracked.get(part) : undefined;
  if (found === undefined || found.request === request || found.request.name !== request.name) return;
  channel.send('judged', { id: found.request.id, optional: true, reason: 'part of another schema' });
}

const PARSE = new Set(['parse', 'decode']);
const PARSE_ASYNC = new Set(['parseAsync', 'decodeAsync']);
const SAFE_PARSE = new Set(['safeParse', 'safeDecode']);
const SAFE_PARSE_ASYNC = new Set(['safeParseAsync', 'safeDecodeAsync', 'spa']);

function watchSchema(schema, request) {
  const answer = () => {
    judge(schema, request);
    return value(schema, request);
  };
  const proxy = new Proxy(Object.create(Object.getPrototypeOf(schema)), {
    get(_, property) {
      if (PARSE.has(property)) return answer;
      if (SAFE_PARSE.has(property)) return () => ({ success: true, data: answer() });
      if (PARSE_ASYNC.has(property)) return async () => answer();
      if (SAFE_PARSE_ASYNC.has(property)) return async () => ({ success: true, data: answer() });
      const member = Reflect.get(schema, property);
      if (typeof member !== 'function') return member;
      return (...args) => watchResult(member.apply(schema, args), args, request);
    },
    has: (_, property) => property in schema,
  });
  tracked.set(proxy, { schema, request });
  return proxy;
}

// Judges the schemas that a builder returned: the last link of each chain, so what counts.
function judgeShape(shape, seen) {
  if (shape === null || typeof shape !== 'object' || seen.has(shape)) return;
  seen.add(shape);
  const found = tracked.get(shape);
  if (found !== undefined) {
    judge(found.schema, found.request);
    return;
  }
  if (isSchema(shape)) return;
  for (const key of Object.keys(shape)) judgeShape(shape[key], seen);
}

function judge(schema, request) {
  const verdict =
    request.given === undefined ? judgeAbsence(rawSchema(schema)) : { optional: true, reason: 'value given by the app' };
  const key = `${verdict.optional}`;
  request.judged ??= new Set();
  if (request.judged.has(key)) return;
  request.judged.add(key);
  channel.send('judged', { id: request.id, ...verdict });
}

function value(schema, request) {
  return mockOutput(rawSchema(schema), request.name, request.given);
}

// The names asked for so far.
let beforeConstructs;
function names() {
  beforeConstructs ??= new Map(asked);
  return beforeConstructs;
}

// Whether a name was asked for since the first construct was asked what it needs.
function askedByConstructs(name, before) {
  return (asked.get(name) ?? 0) > (before.get(name) ?? 0);
}

module.exports = { patchExports, names, askedByConstructs };
