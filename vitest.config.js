import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		include: ['__test__/**/*.test.ts'],
		pool: 'forks',
		// Real subprocesses, a real database: generous on a loaded machine.
		testTimeout: 60_000,
		hookTimeout: 120_000,
	},
});
