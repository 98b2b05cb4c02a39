'use strict';

// Finds the line of the app's own source that is being run.

const { SourceMap } = require('node:module');
const { fileURLToPath } = require('node:url');
const project = require('./project.cjs');
const source = require('./source.cjs');
const typescript = require('./typescript.cjs');

// Taken before the app runs, which may replace or freeze them.
const { captureStackTrace } = Error;
const { defineProperty, getOwnPropertyDescriptor } = Object;
const maps = new Map();

// The innermost frame of the workspace's own code, as `{ file, line }`; nothing where there is none on the stack.
function callSite() {
  for (const frame of frames()) {
    const file = toPath(frame.getFileName());
    if (file === undefined || !project.isOwn(file) || project.isEnvkit(file)) continue;
    return { file, line: originalLine(file, frame.getLineNumber(), frame.getColumnNumber()) };
  }
  return {};
}

// The caller of `below` if it is the workspace's own: what it did, it did itself, be it through `Reflect` or `Object`. Null
// where it is the sniffer.
function ownCallSite(below) {
  const frame = callers(below, 3).find((site) => site.getFileName() != null);
  const file = toPath(frame?.getFileName());
  if (file?.startsWith(__dirname)) return null;
  if (file === undefined || !project.isOwn(file) || project.isEnvkit(file)) return undefined;
  return { file, line: originalLine(file, frame.getLineNumber(), frame.getColumnNumber()) };
}

// The frames of the workspace's own code on the stack, innermost first.
function ownFrames() {
  const own = [];
  for (const frame of frames()) {
    const file = toPath(frame.getFileName());
    if (file === undefined || !project.isOwn(file)) continue;
    own.push({ call: frame.getFunctionName() ?? '', file, line: originalLine(file, frame.getLineNumber(), frame.getColumnNumber()) });
  }
  return own.slice(0, 12);
}

// The frames that are not the sniffer's.
function frames() {
  return callers(frames, 60).filter((site) => !(site.getFileName() ?? '').startsWith(__dirname));
}

// The app may have its own `prepareStackTrace` and limit: both are put back. Where they cannot be changed, there are none.
function callers(below, limit) {
  const kept = ['prepareStackTrace', 'stackTraceLimit'].map((name) => [name, getOwnPropertyDescriptor(Error, name)]);
  try {
    defineProperty(Error, 'prepareStackTrace', { value: (_, sites) => sites, configurable: true, writable: true });
    defineProperty(Error, 'stackTraceLimit', { value: limit, configurable: true, writable: true });
    const holder = {};
    captureStackTrace(holder, below);
    return holder.stack;
  } catch {
    return [];
  } finally {
    for (const [name, descriptor] of kept) putBack(name, descriptor);
  }
}

function putBack(name, descriptor) {
  try {
    if (descriptor === undefined) delete Error[name];
    else defineProperty(Error, name, descriptor);
  } catch {
    // Frozen, so never changed either.
  }
}

function toPath(name) {
  if (typeof name !== 'string') return undefined;
  const plain = name.replace(/[?#].*$/, '');
  if (plain.startsWith('file:')) return fileURLToPath(plain);
  return plain.startsWith('/') || /^[A-Za-z]:\\/.test(plain) ? plain : undefined;
}

// The line in the file as the user wrote it. TypeScript is transformed once more with maps, for asked lines only: what runs
// needs none.
function originalLine(file, line, column) {
  if (!typescript.needsTransform(file)) return line;
  if (!maps.has(file)) maps.set(file, mapsOf(file));
  let place = { line: line - 1, column: column - 1 };
  for (const map of maps.get(file)) {
    const entry = map.findEntry(place.line, place.column);
    if (entry?.originalLine === undefined) break;
    place = { line: entry.originalLine, column: entry.originalColumn };
  }
  return place.line + 1;
}

function mapsOf(file) {
  try {
    return source.mapsOf(file).map((map) => new SourceMap(typeof map === 'string' ? JSON.parse(map) : map));
  } catch {
    return [];
  }
}

// A stack as text, with only the frames of the workspace's own files, their lines as the user wrote them.
function ownStack(stack) {
  const lines = [];
  for (const text of String(stack).split('\n')) {
    const match = /^\s+at (.*?)\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+):(\d+)\)?$/.exec(text);
    if (match === null) continue;
    const file = toPath(match[2]);
    if (file === undefined || !project.isOwn(file) || file.startsWith(__dirname)) continue;
    lines.push({ call: match[1].trim(), file, line: originalLine(file, Number(match[3]), Number(match[4])) });
  }
  return lines.slice(0, 12);
}

module.exports = { callSite, ownCallSite, ownFrames, ownStack };
