// What a run has come to, by app: filled by its events, read by what shows it.

/** The row of what belongs to no app: project, services, database. */
export const SHARED = 'shared';

/** What comes before the first step, in words. */
const PHASES = {
	sniff: 'Looking at the apps',
	resolve: 'Finding every value',
	observe: 'Looking at the server and at DNS',
	plan: 'Planning',
	apply: 'Waiting',
};

/** The rows of a run. Time comes in as `now`, in milliseconds. */
export class Rows {
	/** What the run as a whole is doing, until there are rows. */
	phase = '';
	#rows = new Map();
	/** The steps that change something, by id. */
	#steps = new Map();
	#settled = new Set();

	/** In the order of the plan, what is shared first. */
	get all() {
		return [...this.#rows.values()];
	}

	/** Takes an event. */
	take(event, now) {
		if (event.type === 'phase-started') this.phase = PHASES[event.phase] ?? event.phase;
		if (event.type === 'app-sniffed') this.phase = `Looked at ${event.app}`;
		if (event.type === 'planned') this.#plan(event.plan?.steps ?? []);
		if (event.type.startsWith('step-')) this.#step(event, now);
	}

	/** What a row waits for, where none of its steps is under way. */
	waitsFor(row) {
		for (const step of this.#steps.values()) {
			if (this.#rowOf(step) !== row || this.#settled.has(step.id)) continue;
			const open = step.dependsOn.filter((id) => this.#steps.has(id) && !this.#settled.has(id));
			const [first] = open.map((id) => this.#steps.get(id)).filter((other) => this.#rowOf(other) !== row);
			return first?.resource;
		}
		return undefined;
	}

	#plan(steps) {
		const changing = steps.filter(({ action }) => action !== 'keep');
		this.#rows = new Map();
		this.#steps = new Map(changing.map((step) => [step.id, step]));
		this.#settled = new Set();
		if (changing.some(({ app }) => app === undefined)) this.#rowOf({});
		for (const step of changing) this.#rowOf(step).total += 1;
	}

	#rowOf({ app = SHARED }) {
		let row = this.#rows.get(app);
		if (row === undefined) {
			row = { name: app, total: 0, done: 0, active: new Map(), started: undefined, ended: undefined };
			this.#rows.set(app, row);
		}
		return row;
	}

	#step(event, now) {
		const row = this.#rowOf(event);
		row.started ??= now;
		if (event.type === 'step-started') row.active.set(event.step, { title: event.title });
		const active = row.active.get(event.step);
		if (event.type === 'step-progress' && active) active.progress = event.progress;
		if (!/finished|skipped|failed/.test(event.type)) return;
		row.active.delete(event.step);
		this.#settled.add(event.step);
		row.done += 1;
		row.ended = now;
		if (event.type === 'step-finished') row.last = event.title;
		if (event.type === 'step-skipped') row.skipped = `${event.resource}: ${event.reason}`;
		if (event.type === 'step-failed') row.failed = `${event.code}: ${event.message}`;
	}
}
