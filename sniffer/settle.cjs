'use strict';

// Waits for work that the app began and did not wait for, such as an `import()` without `await`.

const { registerHooks } = require('node:module');
const activity = require('./activity.cjs');

const QUIET_MS = 40;
const LONGEST_MS = 2_000;
const STEP_MS = 10;

const { setTimeout: later } = globalThis;
const now = performance.now.bind(performance);

// Ends when nothing was loaded or asked for during a short while.
async function settle() {
  const start = now();
  let since = start;
  let seen = -1;
  while (now() - since < QUIET_MS && now() - start < LONGEST_MS) {
    // Where a thread loads, what it was asked before is under way when it answers us: on a busy machine time says nothing.
    if (registerHooks === undefined) await import(`data:text/javascript,//${now()}`);
    await new Promise((resolve) => later(resolve, STEP_MS));
    const count = activity.count();
    if (count !== seen || activity.isBusy()) since = now();
    seen = activity.count();
  }
}

module.exports = { settle };
