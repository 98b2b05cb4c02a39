import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		include: ['__test__/**/*.test.ts'],
		// The apps of the corpus have tests of their own, which are never run.
		exclude: ['__test__/corpus/**', '**/node_modules/**'],
		pool: 'forks',
		// Real subprocesses, a real database: generous on a loaded machine.
		testTimeout: 60_000,
		hookTimeout: 120_000,
	},
});
