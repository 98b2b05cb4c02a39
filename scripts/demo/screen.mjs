// Text for people: headings, tables, colours where the terminal has them.

import { duration, hasColors, pad, painter, width } from '../../facade/terminal.js';

const { stdout } = process;

export const { bold, dim, red, green, yellow, cyan } = painter(hasColors(stdout));
export const seconds = duration;

export function print(text = '') {
	stdout.write(`${text}\n`);
}

export function heading(text) {
	print(`\n${bold(cyan('──'))} ${bold(text)}\n`);
}

/** Prints rows of equal length under each other; a cell may be coloured. */
export function table(rows) {
	const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => width(row[column]))));
	for (const row of rows) {
		print(`  ${row.map((cell, column) => pad(cell, widths[column])).join('  ')}`.trimEnd());
	}
}
