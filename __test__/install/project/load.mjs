// A user's first look: the package loads, finds what an app needs, and says in a typed error what is wrong.

import assert from 'node:assert/strict';
import { deploy, DeployError, errorCodes, sniffEntryFile } from '@geekmidas/deploy-native';

const { error: unread, evidence } = await sniffEntryFile('index.ts', '.', import.meta.dirname, { cache: false });
assert.equal(unread, undefined);
assert.deepEqual(evidence.map(({ name }) => name), ['PORT']);
const error = await deploy({}).catch((error) => error);
assert.ok(error instanceof DeployError && errorCodes.includes(error.code));
console.log(`It loads in Node.js ${process.versions.node}`);
