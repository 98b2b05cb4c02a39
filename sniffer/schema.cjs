'use strict';

// Asks a zod schema, of version 3 or 4, whether it accepts absence, and for a value that it accepts.

const { inputs } = require('./values.cjs');
const { describe, isSchema } = require('./describe.cjs');

// The schema itself, from under whatever envkit wraps around it: its `safeParse` would read the environment. By `nullable`,
// since envkit's own sniffer takes note of `optional` and `default`.
function rawSchema(schema) {
  try {
    const wrapped = schema.nullable();
    return wrapped._zod?.def?.innerType ?? wrapped._def?.innerType ?? schema;
  } catch {
    return schema;
  }
}

const FAILED = Symbol('failed');
const ASYNC = Symbol('async');

// Runs a schema; gives its output, FAILED, or ASYNC where the answer needs a promise.
function run(schema, input) {
  try {
    if (schema._zod?.run !== undefined) {
      const result = schema._zod.run({ value: input, issues: [] }, { async: true });
      return typeof result?.then === 'function' ? deferred(result) : outcome(result.issues.length === 0, result.value);
    }
    const result = schema.safeParse(input);
    return outcome(result.success, result.data);
  } catch (error) {
    return /async|promise/i.test(String(error?.message)) ? ASYNC : FAILED;
  }
}

function outcome(success, value) {
  return success ? { value } : FAILED;
}

function deferred(promise) {
  promise.then(undefined, () => {});
  return ASYNC;
}

// Whether the variable may be absent: what the schema itself says of `undefined`.
//
// A coerced string accepts absence only by turning it into the text "undefined", which nobody wants: it is required.
function judgeAbsence(schema) {
  if (coercesAbsenceToText(schema)) return { optional: false };
  const result = run(schema, undefined);
  if (result === ASYNC) return schema._zod?.optin === 'optional' ? accepted(schema) : { optional: false };
  return result === FAILED ? { optional: false } : accepted(schema);
}

function accepted(schema) {
  return { optional: true, reason: reasonOf(schema, 0) };
}

function coercesAbsenceToText(schema, depth = 0) {
  const { kind, inner, input, coerce } = describe(schema);
  if (kind === 'string') return coerce === true;
  if (depth > 20 || kind === 'optional' || kind === 'default' || kind === 'prefault' || kind === 'catch') return false;
  const next = inner ?? input;
  return next !== undefined && coercesAbsenceToText(next, depth + 1);
}

const REASONS = { optional: 'optional', default: 'default', prefault: 'prefault', catch: 'catch' };

function reasonOf(schema, depth) {
  const { kind, inner, input, options, coerce } = describe(schema);
  if (kind === 'optional' && inner !== undefined && describe(inner).kind === 'nullable') return 'nullish';
  if (kind in REASONS) return REASONS[kind];
  if (kind === 'union' && options?.some((option) => run(option, undefined) !== FAILED)) return 'union with undefined';
  if (coerce) return 'coercion accepts absence';
  const next = inner ?? input;
  return next === undefined || depth > 20 ? 'accepts absence' : reasonOf(next, depth + 1);
}

// A value of the schema's output that lets the app go on; the one for absence where the schema has one.
function mockOutput(schema, name, given) {
  if (given !== undefined) {
    const result = run(schema, given);
    if (result !== FAILED && result !== ASYNC) return result.value;
  }
  if (!coercesAbsenceToText(schema)) {
    const absent = run(schema, undefined);
    if (absent !== FAILED && absent !== ASYNC) return absent.value;
  }
  return present(schema, name);
}

function present(schema, name) {
  for (const input of inputs(schema, name)) {
    const result = run(schema, input);
    if (result !== FAILED && result !== ASYNC) return result.value;
  }
  return unvalidated(schema, name, 0);
}

// Where no value validates: one of the right type at least, with transforms applied and checks left out.
function unvalidated(schema, name, depth) {
  if (depth > 20) return '';
  const { kind, inner, input, output, apply } = describe(schema);
  if (kind === 'pipe') {
    const value = unvalidated(input, name, depth + 1);
    const { apply: transform } = describe(output);
    return transform === undefined ? unvalidated(output, name, depth + 1) : attempt(transform, value);
  }
  if (kind === 'effect') {
    const value = unvalidated(inner, name, depth + 1);
    return apply === undefined ? value : attempt(apply, value);
  }
  if (inner !== undefined && kind !== 'array') return unvalidated(inner, name, depth + 1);
  for (const value of inputs(schema, name)) return value;
  return '';
}

function attempt(transform, value) {
  try {
    const result = transform(value, { addIssue() {}, issues: [], path: [], value });
    return result === undefined || typeof result?.then === 'function' ? value : result;
  } catch {
    return value;
  }
}

module.exports = { isSchema, rawSchema, judgeAbsence, mockOutput };
