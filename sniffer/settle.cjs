'use strict';

// Waits for work that the app began and did not wait for, such as an `import()` without `await`.

// Not the globals of these names, which the app may replace or remove.
const process = require('node:process');
const activity = require('./activity.cjs');

const QUIET_MS = 40;
const LONGEST_MS = 2_000;
const STEP_MS = 10;
// How many turns of the event loop an app must be idle in.
const IDLE_TURNS = 3;
// What waits for the world outside, which will not come: nothing follows from it by itself.
const PASSIVE = new Set(['TCPServerWrap', 'PipeServerWrap', 'PipeWrap', 'TTYWrap', 'FSEventWrap', 'SignalWrap', 'Immediate']);

const { setTimeout: later, setImmediate: soon, Promise } = globalThis;
const now = performance.now.bind(performance);

// Ends when nothing is under way, or when nothing was loaded or asked for during a short while.
async function settle() {
  const start = now();
  let since = start;
  let seen = -1;
  while (now() - since < QUIET_MS && now() - start < LONGEST_MS) {
    if (await isIdle()) return;
    // Where a thread loads, what it was asked before is under way when it answers us: on a busy machine time says nothing.
    if (activity.isThreaded()) await import(`data:text/javascript,//${now()}`);
    await new Promise((resolve) => later(resolve, STEP_MS));
    const count = activity.count();
    if (count !== seen || activity.isBusy()) since = now();
    seen = activity.count();
  }
}

// Whether no timer, request or import is pending, over some turns of the event loop.
async function isIdle() {
  if (activity.isThreaded()) return false;
  for (let turn = 0; turn < IDLE_TURNS; turn++) {
    await new Promise((resolve) => soon(resolve));
    if (!process.getActiveResourcesInfo().every((resource) => PASSIVE.has(resource))) return false;
  }
  return true;
}

module.exports = { settle };
