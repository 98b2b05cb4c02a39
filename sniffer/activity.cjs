'use strict';

// Counts loads, so that the worker knows when the app has come to rest; shared with the thread that loads on Node 20.

let counter = new Int32Array(new SharedArrayBuffer(4));

module.exports = {
  touch: () => Atomics.add(counter, 0, 1),
  count: () => Atomics.load(counter, 0),
  shared: () => counter.buffer,
  share: (buffer) => {
    counter = new Int32Array(buffer);
  },
};
