// Shows a run while it happens: on a terminal a row per app that redraws itself, elsewhere a line for what has happened.

import { invalid } from './error.js';
import { Rows, SHARED } from './progress-rows.js';
import { duration, fit, hasColors, pad, painter, plainLine, width } from './terminal.js';

const SPINNER = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];

/** How often the picture is redrawn, in milliseconds. */
const INTERVAL = 100;

/** The widest picture, however wide the terminal is. */
const WIDEST = 120;

/** From this width on there is room for a bar. */
const NARROWEST = 60;

/** The widest name of an app before it is cut. */
const WIDEST_NAME = 20;

/** How many cells the bar of a row has. */
const BAR = 8;

export function createProgressRenderer({ stream = process.stdout, live, color, columns, logs = false } = {}) {
	if (typeof stream?.write !== 'function') throw invalid('stream: expected something to write to');
	const settings = { stream, paint: painter(color ?? hasColors(stream)), columns, logs };
	const view = (live ?? stream.isTTY === true) ? new Picture(settings) : new Lines(settings);
	return { onEvent: (event) => view.take(event), end: () => view.end() };
}

/** A row per app, drawn again and again in the same place. */
class Picture {
	#stream;
	#paint;
	#columns;
	#logs;
	#rows = new Rows();
	#started = performance.now();
	#drawn = 0;
	#timer;
	#ended = false;

	constructor({ stream, paint, columns, logs }) {
		this.#stream = stream;
		this.#paint = paint;
		this.#columns = columns;
		this.#logs = logs;
		this.#timer = setInterval(() => this.#draw(), INTERVAL);
		this.#timer.unref?.();
	}

	take(event) {
		if (this.#ended) return;
		this.#rows.take(event, performance.now());
		if (event.type === 'warning') this.#above(`${this.#paint.yellow('!')} ${of(event)}${plainLine(event.message)}`);
		if (event.type === 'log' && this.#logs) this.#above(this.#paint.dim(`│ ${of(event)}${plainLine(event.line)}`));
	}

	end() {
		if (this.#ended) return;
		this.#ended = true;
		clearInterval(this.#timer);
		this.#draw();
	}

	/** Writes a line that stays, above the picture. */
	#above(line) {
		this.#stream.write(`${this.#erased()}  ${line}\n`);
		this.#drawn = 0;
		this.#draw();
	}

	#draw() {
		const now = performance.now();
		const lines = this.#lines(now);
		this.#stream.write(`${this.#erased()}${lines.map((line) => `${line}\n`).join('')}`);
		this.#drawn = lines.length;
	}

	/** The sequence that takes the last picture away. */
	#erased() {
		return this.#drawn > 0 ? `\x1b[${this.#drawn}A\x1b[J` : '';
	}

	#lines(now) {
		const rows = this.#rows.all;
		const elapsed = this.#paint.dim(duration(now - this.#started));
		if (rows.length === 0) return this.#ended ? [] : [`  ${this.#spin(now)} ${this.#rows.phase || 'Starting'}  ${elapsed}`];
		// A picture higher than the terminal could not be drawn over.
		const room = this.#ended ? rows.length : Math.max(1, (this.#stream.rows ?? 24) - 3);
		const shown = rows.length <= room ? rows : mostTelling(rows, room);
		const columns = Math.min(this.#columns ?? this.#stream.columns ?? 80, WIDEST);
		const nameWidth = Math.min(WIDEST_NAME, Math.floor(columns / 4), Math.max(...rows.map(({ name }) => width(name))));
		const lines = shown.map((row) => this.#line(row, nameWidth, columns, now));
		const hidden = rows.length - shown.length;
		lines.push(`  ${elapsed}${hidden > 0 ? this.#paint.dim(`  and ${hidden} more`) : ''}`);
		return lines;
	}

	/** One row: a sign, the name, a bar, the time, what is under way. */
	#line(row, nameWidth, columns, now) {
		const { green, red, yellow, dim, bold } = this.#paint;
		const count = `${row.done}/${row.total}`.padStart(5);
		const over = row.active.size === 0 && row.done >= row.total;
		const spent = row.started === undefined ? '' : duration((over ? row.ended : now) - row.started);
		const name = pad(bold(fit(row.name, nameWidth)), nameWidth);
		const bar = columns < NARROWEST ? '' : `${this.#bar(row)} `;
		const left = `${name}  ${bar}${count} ${dim(spent.padStart(10))}  `;
		const text = (paint, words) => paint(fit(plainLine(words), columns - width(left) - 5));
		if (row.failed !== undefined) return `  ${red('✗')} ${left}${text(red, row.failed)}`;
		if (over) {
			const sign = row.last === undefined ? dim('-') : green('✓');
			return `  ${sign} ${left}${row.last === undefined ? text(dim, row.skipped ?? '') : text(green, row.last)}`;
		}
		const active = [...row.active.values()].at(-1);
		if (active === undefined) {
			const first = this.#rows.waitsFor(row);
			return `  ${yellow('·')} ${left}${text(dim, first === undefined ? 'waits' : `waits for ${first}`)}`;
		}
		const words = active.progress === undefined ? active.title : `${active.title}: ${active.progress}`;
		return `  ${this.#spin(now)} ${left}${text(String, words)}`;
	}

	#bar({ done, total }) {
		const filled = total === 0 ? BAR : Math.min(BAR, Math.round((done / total) * BAR));
		return this.#paint.green('━'.repeat(filled)) + this.#paint.dim('─'.repeat(BAR - filled));
	}

	#spin(now) {
		return this.#paint.yellow(SPINNER[Math.floor(now / INTERVAL) % SPINNER.length]);
	}
}

/** As many rows as there is room for: what failed and what is under way before what waits and what is done. */
function mostTelling(rows, room) {
	const rank = ({ failed, active, done, total }) => (failed !== undefined ? 0 : active.size > 0 ? 1 : done < total ? 2 : 3);
	const kept = new Set([...rows].sort((one, other) => rank(one) - rank(other)).slice(0, room));
	return rows.filter((row) => kept.has(row));
}

/** A line for what has happened, for a file or the log of a CI. */
class Lines {
	#stream;
	#paint;
	#logs;
	#started = performance.now();
	#progress = new Map();

	constructor({ stream, paint, logs }) {
		this.#stream = stream;
		this.#paint = paint;
		this.#logs = logs;
	}

	take(event) {
		const { green, red, yellow, dim } = this.#paint;
		const took = () => dim(` (${duration(event.durationMs)})`);
		if (event.type === 'planned') this.#line({}, event.changes === 1 ? '1 change' : `${event.changes} changes`);
		if (event.type === 'step-started') this.#progress.set(event.step, event.title);
		if (event.type === 'step-progress') {
			this.#line(event, dim(`${this.#progress.get(event.step) ?? event.step}: ${event.progress}`));
		}
		if (event.type === 'step-finished') this.#line(event, `${green('✓')} ${event.title}${took()}`);
		if (event.type === 'step-skipped') this.#line(event, dim(`- ${event.resource}: ${plainLine(event.reason)}`));
		if (event.type === 'step-failed') {
			this.#line(event, `${red('✗')} ${event.resource}: ${event.code}: ${plainLine(event.message)}${took()}`);
		}
		if (event.type === 'warning') this.#line(event, `${yellow('!')} ${plainLine(event.message)}`);
		if (event.type === 'log' && this.#logs) this.#line(event, dim(`│ ${plainLine(event.line)}`));
	}

	end() {}

	#line({ app = SHARED }, text) {
		const at = this.#paint.dim(duration(performance.now() - this.#started).padStart(9));
		this.#stream.write(`${at}  ${this.#paint.bold(app)}  ${text}\n`);
	}
}

/** The app that an event is about, in front of its text. */
function of({ app }) {
	return app === undefined ? '' : `${app}: `;
}
