'use strict';

// How the worker reports: one line of JSON per record, appended to a file that only we know.
//
// A file takes what a pipe cannot promise: every record is there the moment `send` returns, also when the app is killed
// or loops forever right after it; no descriptor is held that the app could close or write to; and nothing that the app
// prints can be mistaken for a record, because each one carries the nonce of this run.

// Taken before the app runs, so that an app which replaces parts of these does not reach them.
const { openSync, writeSync, closeSync, readFileSync } = require('node:fs');
const { parse, stringify } = JSON;

let file;
let nonce;
let pending = '';

function open(path, secret) {
  file = path;
  nonce = secret;
}

// Keeps a record until the next `send`; for records whose loss only makes the result more cautious.
function queue(type, fields) {
  pending += `${stringify({ nonce, type, ...fields })}\n`;
  if (pending.length > 16_384) flush();
}

function send(type, fields) {
  queue(type, fields);
  flush();
}

function flush() {
  if (pending === '') return;
  const text = pending;
  pending = '';
  const descriptor = openSync(file, 'a', 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
  } finally {
    closeSync(descriptor);
  }
}

// The files named by the records of a type that were sent so far, by any thread.
function sent(type) {
  flush();
  const records = readFileSync(file, 'utf8').trim().split('\n').map((line) => parse(line));
  return records.filter((record) => record.type === type && record.nonce === nonce).map((record) => record.file);
}

module.exports = { open, queue, send, flush, sent };
