'use strict';

// The parser that an `envParser` function is given: one of the app's own envkit, else a small one on the app's zod.

const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { patchExports } = require('./capture.cjs');
const { isSchema } = require('./describe.cjs');

async function parserFor(file) {
  const { EnvironmentParser } = (await fromApp(file, ['@geekmidas/envkit'])) ?? (await substitute(file));
  return new EnvironmentParser({});
}

async function fromApp(file, names) {
  for (const name of names) {
    try {
      return await import(pathToFileURL(createRequire(file).resolve(name)).href);
    } catch (error) {
      if (!['MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'].includes(error?.code)) throw error;
    }
  }
  return undefined;
}

// A function that only takes a parser needs no envkit at run time of its own; what it asks of it is zod's.
async function substitute(file) {
  const zod = await fromApp(file, ['zod/v4', 'zod']);
  if (zod === undefined) {
    const error = new Error(`Neither @geekmidas/envkit nor zod is installed for ${path.basename(file)}`);
    error.code = 'MODULE_NOT_FOUND';
    throw error;
  }
  class EnvironmentParser {
    create(builder) {
      const shape = builder(() => zod.z ?? zod);
      return { parse: () => parseDeep(shape) };
    }
  }
  patchExports({ EnvironmentParser });
  return { EnvironmentParser };
}

function parseDeep(shape) {
  if (isSchema(shape)) return shape.parse(undefined);
  if (shape === null || typeof shape !== 'object') return shape;
  return Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, parseDeep(value)]));
}

module.exports = { fromApp, parserFor };
