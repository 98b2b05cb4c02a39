// A user's first program: deploys an app of theirs to a simulated server, twice.

import assert from 'node:assert/strict';
import { deploy } from '@geekmidas/deploy-native';
import { startSimulator } from '@geekmidas/deploy-native/testing';
import { options, request } from './request.mjs';

const simulator = await startSimulator({ dns: { zones: ['example.com'] } });
try {
	const first = await deploy(request(simulator), options(simulator));
	assert.deepEqual(first.apps.map(({ status }) => status), ['running']);
	const second = await deploy(request(simulator), options(simulator));
	assert.equal(second.changes, 0);
	console.log(`${first.apps[0].url} runs on Node.js ${process.versions.node}`);
} finally {
	await simulator.stop();
}
