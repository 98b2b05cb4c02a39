import { fileURLToPath } from 'node:url';
import type { DeployRequest } from '@geekmidas/deploy-native';

/** A request that is right in every field, for a server that does not exist. */
export function request(overrides: Partial<DeployRequest> = {}): DeployRequest {
	return {
		workspace: {
			name: 'shop',
			root: fileURLToPath(new URL('./fixtures/shop', import.meta.url)),
			apps: { api: { type: 'backend', path: 'apps/api', port: 3000, requiredEnv: ['PORT'] } },
			deploy: {
				dokploy: { endpoint: 'http://127.0.0.1:9', registry: 'registry.invalid', domains: { staging: 'shop.invalid' } },
			},
		},
		stage: 'staging',
		credentials: { dokploy: { token: 'token-of-nobody' } },
		...overrides,
	};
}
