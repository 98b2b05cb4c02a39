'use strict';

// Counts what the app loads and asks, so that the worker knows when it has come to rest; shared with the thread that loads
// on Node 20.

const channel = require('./channel.cjs');

const COUNT = 0;
const OUTSTANDING = 1;
// How often it is said that modules are being loaded: who waits for us tells work from an endless loop by it.
const SAID_EVERY_MS = 250;

// Taken before the app runs, which may replace it.
const now = performance.now.bind(performance);

let slots = new Int32Array(new SharedArrayBuffer(8));
let said = now();

// A module is being loaded.
function touch() {
  asked();
  if (now() - said < SAID_EVERY_MS) return;
  said = now();
  channel.send('working', {});
}

// Something was asked for.
function asked() {
  Atomics.add(slots, COUNT, 1);
}

// Runs asynchronous work that must end before the app can be at rest.
async function during(work) {
  touch();
  Atomics.add(slots, OUTSTANDING, 1);
  try {
    return await work();
  } finally {
    Atomics.sub(slots, OUTSTANDING, 1);
    touch();
  }
}

function count() {
  return Atomics.load(slots, COUNT);
}

function isBusy() {
  return Atomics.load(slots, OUTSTANDING) > 0;
}

function shared() {
  return slots.buffer;
}

function share(buffer) {
  slots = new Int32Array(buffer);
}

let threaded = false;

// Says that another thread loads.
function useThread() {
  threaded = true;
}

function isThreaded() {
  return threaded;
}

module.exports = { useThread, isThreaded, touch, asked, during, count, isBusy, shared, share };
