// Shows a run while it happens: a table that redraws itself on a terminal, a line for each step elsewhere.

import { bold, dim, fit, green, pad, red, seconds, yellow } from './screen.mjs';

const SPINNER = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];
const SHARED = 'shared';

/** What comes before the first step, in words. */
const PHASES = {
	sniff: 'looking at the apps',
	resolve: 'finding every value',
	observe: 'looking at the server and at DNS',
	plan: 'planning',
	apply: 'waiting',
};

/** What the last part of a step's id means, in words. */
const WORDS = {
	image: 'building the image',
	create: 'creating the application',
	configure: 'settings',
	deploy: 'deploying',
	domain: 'attaching the domain',
	verify: 'checking DNS',
};

export class Progress {
	#stream;
	#rows = new Map();
	#drawn = 0;
	#timer;
	#started = performance.now();
	#phase = '';

	/** Follows the steps of `plan` for `apps`. */
	constructor(apps, plan, stream = process.stdout) {
		this.#stream = stream;
		for (const name of [SHARED, ...apps]) this.#rows.set(name, { name, total: 0, done: 0, active: new Map() });
		for (const step of plan.steps) if (step.action !== 'keep') this.#row(step).total += 1;
		if (stream.isTTY) this.#timer = setInterval(() => this.#draw(), 80);
	}

	/** Takes an event of the run. */
	take(event) {
		if (event.type === 'phase-started') this.#phase = PHASES[event.phase];
		if (!('step' in event) || event.step === undefined) {
			if (event.type === 'warning') this.#line(event, `${yellow('!')} ${event.message}`);
			return;
		}
		const row = this.#row(event);
		const words = describe(event.step);
		if (event.type === 'step-started') row.active.set(event.step, words);
		if (event.type === 'step-progress') row.active.set(event.step, `${words}: ${event.progress}`);
		if (event.type === 'step-finished' || event.type === 'step-skipped') row.done += 1;
		if (event.type === 'step-failed') row.failed = `${event.code}: ${event.message.split('\n')[0]}`;
		if (/finished|skipped|failed/.test(event.type)) row.active.delete(event.step);
		if (this.#timer) return;
		if (event.type === 'step-progress') this.#line(event, dim(`${words}: ${event.progress}`));
		if (event.type === 'step-finished') this.#line(event, `${green('✓')} ${words} ${dim(seconds(event.durationMs))}`);
		if (event.type === 'step-skipped') this.#line(event, dim(`- ${words}: ${event.reason}`));
		if (event.type === 'step-failed') this.#line(event, red(`✗ ${words}: ${row.failed}`));
	}

	/** Draws the last picture. */
	end() {
		clearInterval(this.#timer);
		if (this.#timer) this.#draw();
		this.#timer = undefined;
	}

	#row({ app = SHARED }) {
		return this.#rows.get(app) ?? this.#rows.get(SHARED);
	}

	#line({ app = SHARED }, text) {
		if (this.#timer) return;
		const at = seconds(performance.now() - this.#started).padStart(7);
		this.#stream.write(`  ${dim(at)}  ${pad(bold(app), this.#nameWidth())}  ${text}\n`);
	}

	#draw() {
		const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
		const lines = [...this.#rows.values()].filter(({ total }) => total > 0).map((row) => `\x1b[2K${this.#picture(row)}`);
		this.#drawn = lines.length;
		this.#stream.write(`${up}${lines.join('\n')}\n`);
	}

	/** One row: a sign, the name, a bar, what is under way. */
	#picture({ name, total, done, active, failed }) {
		const left = `${pad(bold(name), this.#nameWidth())}  ${bar(done, total)} ${`${done}/${total}`.padStart(5)}  `;
		const room = (this.#stream.columns ?? 80) - this.#nameWidth() - 24;
		if (failed) return `  ${red('✗')} ${left}${red(fit(failed, room))}`;
		if (done >= total) return `  ${green('✓')} ${left}${green(name === SHARED ? 'ready' : 'running')}`;
		const frame = SPINNER[Math.floor(performance.now() / 80) % SPINNER.length];
		const doing = [...active.values()].at(-1);
		return `  ${yellow(doing ? frame : '·')} ${left}${doing ? fit(doing, room) : dim(this.#phase)}`;
	}

	#nameWidth() {
		return Math.max(...[...this.#rows.keys()].map((name) => name.length));
	}
}

function bar(done, total) {
	const filled = total === 0 ? 0 : Math.round((done / total) * 8);
	return green('━'.repeat(filled)) + dim('─'.repeat(8 - filled));
}

/** A step's id in words. */
function describe(step) {
	const [kind, ...rest] = step.split(':');
	if (kind === 'dns') return rest.at(-1) === 'verify' ? WORDS.verify : 'writing the DNS record';
	if (kind === 'app') return WORDS[rest.at(-1)] ?? rest.at(-1);
	if (kind === 'service') return rest[0] === 'postgres' ? 'Postgres' : 'Redis';
	if (step === 'database:roles') return 'database users and schemas';
	return step;
}
