import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { platformOf } from '../facade/addon.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const own = '@geekmidas/deploy-native';

/** The name of the package with the native part for this machine. */
export const native = `${own}-${platformOf(process)}`;

/** How a package manager lays out its packages. */
export type Layout = 'npm' | 'pnpm';

/** A project in a folder of its own, into which what is published of this package is laid as a package manager does. */
export function install({ layout = 'npm', without = [] }: { layout?: Layout; without?: string[] } = {}): string {
	const project = temporaryFolder();
	const modules = join(project, 'node_modules');
	// pnpm shows a project its own dependencies only; theirs lie beside them in a folder that nobody else looks into.
	const store = layout === 'npm' ? modules : join(modules, `.pnpm/${own.replace('/', '+')}@0.1.0/node_modules`);
	const folder = join(store, own);
	const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
	for (const file of [...files, 'package.json']) cpSync(join(root, file), join(folder, file), { recursive: true });
	if (!without.includes(native)) installNative(store);
	if (!without.includes('oxc-transform')) {
		symlinkSync(realpathSync(join(root, 'node_modules/oxc-transform')), join(store, 'oxc-transform'));
	}
	if (layout === 'pnpm') {
		mkdirSync(join(modules, dirname(own)), { recursive: true });
		symlinkSync(folder, join(modules, own));
	}
	return project;
}

/** Lays the native part into a folder of packages: the addon of this checkout, or a file with another content. */
export function installNative(modules: string, content?: string): void {
	const folder = join(modules, native);
	const file = `deploy-native.${platformOf(process)}.node`;
	mkdirSync(folder, { recursive: true });
	cpSync(join(root, 'npm', platformOf(process), 'package.json'), join(folder, 'package.json'));
	if (content === undefined) symlinkSync(join(root, file), join(folder, file));
	else writeFileSync(join(folder, file), content);
}

/** A folder that goes with the test. */
export function temporaryFolder(): string {
	const folder = realpathSync(mkdtempSync(join(tmpdir(), 'deploy-native-')));
	onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/** Runs a program in Node.js and reads the JSON that it prints. */
export function runNode(args: string[], cwd: string): unknown {
	const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 60_000 });
	if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`);
	return JSON.parse(stdout);
}
