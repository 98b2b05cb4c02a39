import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { install, installNative, type Layout, native, runNode, temporaryFolder } from './installed.ts';

type Format = 'esm' | 'cjs';

/** A program of a user: what it needs of us goes into its bundle. */
const program = `
	import { DeployError, resolveEnv, sniffEntryFile } from '@geekmidas/deploy-native';
	async function main() {
		const { missing } = resolveEnv(['STRIPE_SECRET_KEY'], { appName: 'api', stage: 'staging', port: 3000 });
		const { error, evidence } = await sniffEntryFile(process.argv[3] ?? 'index.ts', '.', process.argv[2], { cache: false });
		return { missing, error, found: evidence.map(({ name }) => name) };
	}
	main()
		.catch((error) => ({ isDeployError: error instanceof DeployError, ...error, message: error.message }))
		.then((value) => console.log(JSON.stringify(value)));
`;

const bundlers: Record<string, (input: string, file: string, format: Format) => Promise<unknown>> = {
	esbuild: (input, outfile, format) =>
		esbuild.build({ entryPoints: [input], outfile, format, bundle: true, platform: 'node', logLevel: 'silent' }),
	rolldown: async (input, file, format) => {
		const bundle = await rolldown({ input, platform: 'node', logLevel: 'silent' });
		await bundle.write({ file, format });
		await bundle.close();
	},
};

/** Bundles the program in a project; returns the file. */
async function bundle(project: string, bundler: string, format: Format): Promise<string> {
	const input = join(project, 'program.js');
	const file = join(project, `dist/program.${format === 'esm' ? 'mjs' : 'cjs'}`);
	writeFileSync(input, program);
	await bundlers[bundler]?.(input, file, format);
	return file;
}

/** An app whose TypeScript is more than types, so that its types cannot just be taken out. */
function app(): string {
	const folder = temporaryFolder();
	writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
	writeFileSync(join(folder, 'index.ts'), 'enum Level { Quiet }\nexport const level = [Level.Quiet, process.env.PORT];\n');
	return folder;
}

const cases = Object.keys(bundlers).flatMap((bundler) =>
	(['esm', 'cjs'] as const).flatMap((format) => (['npm', 'pnpm'] as const).map((layout) => [bundler, format, layout] as const)),
);

describe('in a bundle of', () => {
	it.each(cases)('%s as %s, installed as %s does, everything is found', async (bundler, format: Format, layout: Layout) => {
		const project = install({ layout });
		const file = await bundle(project, bundler, format);
		expect(runNode([file, app()], project)).toEqual({ missing: ['STRIPE_SECRET_KEY'], found: ['PORT'] });
	});

	it.each(Object.keys(bundlers))('%s that was moved away, the error says how to bundle', async (bundler) => {
		const file = await bundle(install(), bundler, 'esm');
		const elsewhere = temporaryFolder();
		cpSync(file, join(elsewhere, 'program.mjs'));
		const error = runNode([join(elsewhere, 'program.mjs'), app()], elsewhere) as Record<string, string>;
		expect(error).toMatchObject({ isDeployError: true, code: 'PACKAGE_MISSING', reason: 'bundled', resource: native });
		for (const name of ['esbuild', 'rolldown', 'tsdown', 'webpack']) expect(error['hint']).toContain(name);
	});

	it.each(Object.keys(bundlers))('%s, the native part alone beside it is enough', async (bundler) => {
		const file = await bundle(install(), bundler, 'cjs');
		const elsewhere = temporaryFolder();
		cpSync(file, join(elsewhere, 'program.cjs'));
		mkdirSync(join(elsewhere, 'node_modules'));
		installNative(join(elsewhere, 'node_modules'));
		const javascript = app();
		writeFileSync(join(javascript, 'index.js'), 'export const port = process.env.PORT;\n');
		const result = runNode([join(elsewhere, 'program.cjs'), javascript, 'index.js'], elsewhere);
		expect(result).toEqual({ missing: ['STRIPE_SECRET_KEY'], found: ['PORT'] });
	});
});
