// Generates the loaders and their types from the Rust sources with @napi-rs/cli.
//
//   node scripts/types.mjs [--check]      --check: fail if the committed files differ

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateTypeDef, writeJsBinding } from '@napi-rs/cli';
import { addons, root } from './addons.mjs';
import { build } from './build.mjs';

const check = process.argv.includes('--check');
const folder = join(root, 'target/napi-types');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
// The types come out of the macros while the crates compile: make cargo compile them.
for (const { sources } of addons) utimesSync(sources, new Date(), new Date());
build({ env: { NAPI_TYPE_DEF_TMP_FOLDER: folder } });

const drifted = [];
for (const addon of addons) for (const file of await generate(addon)) if (!keep(file)) drifted.push(file.name);
if (check && drifted.length > 0) {
	console.error(`Out of date: ${drifted.join(', ')}. Run: npm run build:types`);
	process.exit(1);
}
console.log(check ? 'The generated files are up to date' : `Generated: ${drifted.join(', ') || 'nothing new'}`);

/** Generates the loader and the types of an addon. */
async function generate({ crate, binaryName, packageName, binding }) {
	if (!existsSync(join(folder, crate))) return [];
	const own = join(folder, `${crate}.d`);
	mkdirSync(own);
	renameSync(join(folder, crate), join(own, crate));
	const { exports, dts } = await generateTypeDef({ typeDefDir: own, cwd: root, declareBindingTarget: true, constEnum: false });
	await writeJsBinding({
		platform: true,
		esm: true,
		idents: exports,
		jsBinding: `${binding}.js`,
		binaryName,
		packageName,
		version,
		outputDir: own,
	});
	return [
		{ name: `${binding}.js`, text: readFileSync(join(own, `${binding}.js`), 'utf8') },
		{ name: `${binding}.d.ts`, text: dts },
	];
}

/** Says whether the committed file is the same; writes it unless checking. */
function keep({ name, text }) {
	const path = join(root, name);
	let same = false;
	try {
		same = readFileSync(path, 'utf8') === text;
	} catch {}
	if (!same && !check) writeFileSync(path, text);
	return same;
}
