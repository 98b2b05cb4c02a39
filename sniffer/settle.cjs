'use strict';

// Waits for work that the app began and did not wait for, such as an `import()` without `await`.

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
  let seen = activity.count();
  while (now() - since < QUIET_MS && now() - start < LONGEST_MS) {
    await new Promise((resolve) => later(resolve, STEP_MS));
    const count = activity.count();
    if (count !== seen) since = now();
    seen = count;
  }
}

module.exports = { settle };
