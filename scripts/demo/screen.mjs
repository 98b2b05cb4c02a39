// Text for people: headings, tables, colours where the terminal has them.

const { stdout } = process;
const coloured = stdout.isTTY && stdout.hasColors?.();
const paint = (code) => (text) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : String(text));

export const bold = paint('1');
export const dim = paint('2');
export const red = paint('31');
export const green = paint('32');
export const yellow = paint('33');
export const cyan = paint('36');

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

/** Fills a cell up to a width. */
export function pad(text, columns) {
	return `${text}${' '.repeat(Math.max(0, columns - width(text)))}`;
}

/** How many columns a text takes; colours take none. */
export function width(text) {
	return String(text).replace(/\x1b\[\d+m/g, '').length;
}

/** The text without what does not fit in so many columns. */
export function fit(text, columns) {
	return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

export function seconds(millis) {
	return `${(millis / 1000).toFixed(1)} s`;
}
