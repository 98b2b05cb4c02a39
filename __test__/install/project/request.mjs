// What both programs of this project deploy.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = mkdtempSync(join(tmpdir(), 'shop-'));

/** @type {(simulator: import('@geekmidas/deploy-native/testing').Simulator) => import('@geekmidas/deploy-native').DeployRequest} */
export const request = (simulator) => ({
	workspace: {
		name: 'shop',
		root,
		apps: { api: { type: 'backend', path: 'apps/api', port: 3000, requiredEnv: ['PORT', 'DATABASE_URL'] } },
		services: { db: true },
		deploy: {
			dokploy: { registry: 'registry.test', domains: { staging: 'staging.example.com' } },
			dns: { provider: 'cloudflare', domain: 'example.com' },
		},
	},
	stage: 'staging',
	credentials: simulator.credentials,
	images: { api: 'registry.test/shop/api:1' },
	serverIp: '192.0.2.10',
	stabilitySeconds: 0,
});

/** @type {(simulator: import('@geekmidas/deploy-native/testing').Simulator) => import('@geekmidas/deploy-native').ApplyOptions} */
export const options = (simulator) => ({ surroundings: simulator.surroundings });
