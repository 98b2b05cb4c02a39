import assert from 'node:assert';
assert(process.env.A_KEY, 'A_KEY is required');