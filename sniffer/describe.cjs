'use strict';

// One view of zod 3 and zod 4 schemas.

function isSchema(value) {
  if (value === null || typeof value !== 'object') return false;
  return '_zod' in value || ('_def' in value && 'safeParse' in value);
}

// `{ kind, inner, input, output, options, values, shape, element, items, value, coerce, apply, checks }`, as they apply.
function describe(schema) {
  const def = schema?._zod?.def;
  if (def !== undefined) return describe4(def);
  return schema?._def === undefined ? { kind: 'unknown' } : describe3(schema._def);
}

function describe4(def) {
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
    case 'success':
      return { kind: def.type, inner: def.innerType };
    case 'promise':
      return { kind: 'promise', inner: def.innerType };
    case 'pipe':
      return { kind: 'pipe', input: def.in, output: def.out };
    case 'transform':
      return { kind: 'transform', apply: def.transform };
    case 'lazy':
      return { kind: 'lazy', inner: def.getter() };
    case 'union':
      return { kind: 'union', options: def.options };
    case 'enum':
      return { kind: 'enum', values: enumValues(def.entries) };
    case 'literal':
      return { kind: 'enum', values: def.values };
    case 'array':
      return { kind: 'array', element: def.element };
    case 'set':
      return { kind: 'set', element: def.valueType };
    case 'object':
      return { kind: 'object', shape: def.shape };
    case 'tuple':
      return { kind: 'tuple', items: def.items };
    case 'record':
    case 'map':
      return { kind: def.type };
    case 'intersection':
      return { kind: 'intersection', options: [def.left, def.right] };
    default:
      return { kind: def.type, coerce: def.coerce, checks: checks4(def) };
  }
}

// The checks of a string or number, by their own names.
function checks4(def) {
  const all = [def, ...(def.checks ?? []).map((check) => check._zod?.def ?? {})];
  return all.map((check) => ({
    format: check.format,
    prefix: check.prefix,
    suffix: check.suffix,
    includes: check.includes,
    pattern: check.pattern,
    minimum: check.minimum ?? (check.check === 'greater_than' ? check.value : undefined),
    maximum: check.maximum ?? (check.check === 'less_than' ? check.value : undefined),
    length: check.length,
    step: check.check === 'multiple_of' ? check.value : undefined,
  }));
}

const WRAPPERS3 = {
  ZodOptional: 'optional',
  ZodNullable: 'nullable',
  ZodDefault: 'default',
  ZodCatch: 'catch',
  ZodReadonly: 'readonly',
};

function describe3(def) {
  const { typeName } = def;
  if (typeName in WRAPPERS3) return { kind: WRAPPERS3[typeName], inner: def.innerType };
  switch (typeName) {
    case 'ZodEffects':
      return { kind: 'effect', inner: def.schema, apply: def.effect.type === 'transform' ? def.effect.transform : undefined };
    case 'ZodPipeline':
      return { kind: 'pipe', input: def.in, output: def.out };
    case 'ZodBranded':
    case 'ZodPromise':
      return { kind: 'branded', inner: def.type };
    case 'ZodLazy':
      return { kind: 'lazy', inner: def.getter() };
    case 'ZodUnion':
    case 'ZodDiscriminatedUnion':
      return { kind: 'union', options: [...(def.options.values?.() ?? def.options)] };
    case 'ZodEnum':
      return { kind: 'enum', values: def.values };
    case 'ZodNativeEnum':
      return { kind: 'enum', values: enumValues(def.values) };
    case 'ZodLiteral':
      return { kind: 'enum', values: [def.value] };
    case 'ZodArray':
      return { kind: 'array', element: def.type };
    case 'ZodSet':
      return { kind: 'set', element: def.valueType };
    case 'ZodObject':
      return { kind: 'object', shape: def.shape() };
    case 'ZodTuple':
      return { kind: 'tuple', items: def.items };
    case 'ZodIntersection':
      return { kind: 'intersection', options: [def.left, def.right] };
    default:
      return { kind: String(typeName).replace(/^Zod/, '').toLowerCase(), coerce: def.coerce, checks: checks3(def) };
  }
}

function checks3(def) {
  return (def.checks ?? []).map((check) => ({
    format: check.kind === 'startsWith' || check.kind === 'endsWith' ? undefined : check.kind,
    prefix: check.kind === 'startsWith' ? check.value : undefined,
    suffix: check.kind === 'endsWith' ? check.value : undefined,
    includes: check.kind === 'includes' ? check.value : undefined,
    pattern: check.regex,
    minimum: check.kind === 'min' ? check.value : undefined,
    maximum: check.kind === 'max' ? check.value : undefined,
    length: check.kind === 'length' ? check.value : undefined,
    step: check.kind === 'multipleOf' ? check.value : undefined,
  }));
}

// The values of an enum object, without the reverse mapping that TypeScript adds for numbers.
function enumValues(entries) {
  const numbers = Object.values(entries).filter((value) => typeof value === 'number');
  return Object.entries(entries)
    .filter(([key]) => !numbers.includes(Number(key)))
    .map(([, value]) => value);
}

module.exports = { describe, isSchema };
