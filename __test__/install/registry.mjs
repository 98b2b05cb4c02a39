// A registry on loopback that takes and gives the packages of this repository, and has no others.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

/**
 * Starts a registry.
 *
 * A package is refused while one of ours that it depends on is not published: whoever installed it at that moment would
 * get half of it.
 */
export async function startRegistry() {
	const packages = new Map();
	const tarballs = new Map();
	const server = createServer(async (request, response) => {
		const path = decodeURIComponent(new URL(request.url, 'http://registry').pathname).slice(1);
		const answer = (status, body) => {
			response.writeHead(status, { 'content-type': 'application/json' });
			response.end(typeof body === 'string' ? JSON.stringify({ error: body }) : Buffer.isBuffer(body) ? body : JSON.stringify(body));
		};
		if (request.method === 'PUT') {
			const refusal = take(JSON.parse(Buffer.concat(await request.toArray())));
			return refusal === undefined ? answer(201, { ok: true }) : answer(409, refusal);
		}
		const found = packages.get(path) ?? tarballs.get(path);
		return found === undefined ? answer(404, `${path} is not here`) : answer(200, found);
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const url = `http://127.0.0.1:${server.address().port}/`;

	/** Takes what npm publishes; returns why not. */
	function take({ name, _attachments: attachments, versions, 'dist-tags': tags }) {
		const [version] = Object.keys(versions);
		const missing = Object.keys(versions[version].optionalDependencies ?? {}).filter((needed) => !packages.has(needed));
		if (missing.length > 0) return `${name} needs ${missing.join(', ')}, which is not published`;
		const [attachment] = Object.values(attachments);
		add(versions[version], tags, Buffer.from(attachment.data, 'base64'));
		return undefined;
	}

	/** Adds a package; one without a tarball is listed, and fails who fetches it. */
	function add(manifest, tags, tarball) {
		const { name, version } = manifest;
		const path = `${name}/-/${version}.tgz`;
		if (tarball) tarballs.set(path, tarball);
		const integrity = tarball && `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
		packages.set(name, {
			name,
			'dist-tags': tags,
			versions: { [version]: { ...manifest, dist: { tarball: `${url}${path}`, ...(integrity && { integrity }) } } },
			time: { [version]: '2026-01-01T00:00:00.000Z' },
		});
	}

	return { url, names: () => [...packages.keys()], list: (manifest) => add(manifest, { latest: manifest.version }), close: () => server.close() };
}
