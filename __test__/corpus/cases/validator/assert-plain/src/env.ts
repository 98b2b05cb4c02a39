import assert from 'node:assert';
assert(process.env.A_KEY);