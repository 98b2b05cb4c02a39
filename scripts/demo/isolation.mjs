// Tries, on the real database and with the apps' own credentials, what each may see.

import pg from 'pg';
import { bold, dim, green, print, red } from './screen.mjs';

/** Lets `admin-auth` keep a table, and `auth` try to read it. Returns whether `auth` was kept out. */
export async function tryIsolation(address, database, credentials) {
	const connect = (app) => session(address, database, credentials[app]);
	await connect('admin-auth')(
		'create table if not exists sessions (id int primary key, token text)',
		"insert into sessions values (1, 'an admin is signed in') on conflict do nothing",
		'select * from sessions',
	);
	await connect('auth')('create table if not exists sessions (id int primary key, token text)', 'select * from sessions');
	const refused = await connect('auth')('select * from admin_auth.sessions');
	return refused === 'permission denied for schema admin_auth';
}

/** Runs statements as a user, prints each with its answer, and returns the last refusal. */
function session(address, database, { dbUser: user, dbPassword: password }) {
	const [host, port] = address.split(':');
	return async (...statements) => {
		const client = new pg.Client({ host, port: Number(port), database, user, password });
		await client.connect();
		let refusal;
		try {
			for (const sql of statements) refusal = await run(client, user, sql);
		} finally {
			await client.end();
		}
		return refusal;
	};
}

async function run(client, user, sql) {
	const prompt = `  ${bold(`${user}>`)} ${sql}`;
	try {
		const { rows, command } = await client.query(sql);
		const answer = command === 'SELECT' ? `${rows.length} rows ${JSON.stringify(rows)}` : command.toLowerCase();
		print(`${prompt}\n      ${green('✓')} ${dim(answer)}`);
		return undefined;
	} catch ({ message }) {
		print(`${prompt}\n      ${red('✗')} ${message}`);
		return message;
	}
}
