import { deploy, type DeployReport } from '@geekmidas/deploy-native';
import { startSimulator } from '@geekmidas/deploy-native/testing';
import { expect, it } from 'vitest';
import { options, request } from './request.mjs';

it('the shop deploys', async () => {
	const simulator = await startSimulator({ dns: { zones: ['example.com'] } });
	const report: DeployReport = await deploy(request(simulator), options(simulator));
	expect(report.apps.map(({ status }) => status)).toEqual(['running']);
	expect(simulator.violations()).toEqual([]);
	await simulator.stop();
});
