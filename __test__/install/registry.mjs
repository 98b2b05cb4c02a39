// A registry on loopback that has the packages of this repository as they would be published, and nothing else.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';
import { addons } from '../../scripts/addons.mjs';

/**
 * Serves packed packages. The native parts for other platforms are listed, as they are on the real registry, so that a package
 * manager has to choose; who fetches one gets an error.
 */
export async function serve(packed) {
	const server = createServer((request, response) => {
		const path = decodeURIComponent(new URL(request.url, 'http://registry').pathname).slice(1);
		const answer = answers.get(path);
		response.writeHead(answer ? 200 : 404, { 'content-type': answer?.type ?? 'text/plain' });
		response.end(answer?.body() ?? `${path} is not here`);
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const url = `http://127.0.0.1:${server.address().port}/`;
	const answers = new Map();
	for (const { manifest, file } of [...packed, ...elsewhere(packed)]) {
		const tarball = file === undefined ? `${manifest.name}/-/absent.tgz` : `${manifest.name}/-/${basename(file)}`;
		answers.set(manifest.name, { type: 'application/json', body: () => JSON.stringify(document(manifest, file, url + tarball)) });
		if (file) answers.set(tarball, { type: 'application/octet-stream', body: () => readFileSync(file) });
	}
	return { url, close: () => server.close() };
}

/** The manifests of the native parts that were not packed here. */
function elsewhere(packed) {
	const names = new Set(packed.map(({ name }) => name));
	return addons
		.flatMap(({ folder }) => readdirSync(join(folder, 'npm')).map((platform) => join(folder, 'npm', platform)))
		.map((folder) => ({ manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
		.filter(({ manifest }) => !names.has(manifest.name));
}

/** What a registry says of a package. */
function document(manifest, file, tarball) {
	const { name, version } = manifest;
	const integrity = file && `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
	return {
		name,
		'dist-tags': { latest: version },
		versions: { [version]: { ...manifest, dist: { tarball, ...(integrity && { integrity }) } } },
		time: { [version]: '2026-01-01T00:00:00.000Z' },
	};
}
