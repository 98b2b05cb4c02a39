import { createProgressRenderer, type DeployEvent, type PlanStep, type ProgressOptions } from '@geekmidas/deploy-native';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** A terminal of so many columns and rows: what is written moves its cursor, as far as progress does that. */
class Terminal {
	readonly isTTY = true;
	readonly lines: string[] = [''];
	/** How often the picture was drawn. */
	writes = 0;

	constructor(
		readonly columns = 80,
		readonly rows = 24,
	) {}

	hasColors(): boolean {
		return true;
	}

	write(text: string): void {
		this.writes += 1;
		for (const [, up, clear, line] of text.matchAll(/\x1b\[(\d+)A|\x1b\[(J)|([^\x1b\n]*(?:\x1b\[\d+m[^\x1b\n]*)*\n)/g)) {
			if (up !== undefined) this.lines.length = Math.max(1, this.lines.length - Number(up));
			if (clear !== undefined) this.lines[this.lines.length - 1] = '';
			if (line !== undefined) this.lines.splice(-1, 1, line.replace(/\x1b\[\d+m|\n/g, ''), '');
		}
	}

	get text(): string[] {
		return this.lines.slice(0, -1);
	}
}

function step(id: string, resource: string, app?: string, dependsOn: string[] = []): PlanStep {
	const rest = app === undefined ? {} : { app };
	return { id, action: 'create', resource, reason: 'there is none', dependsOn, opensPort: false, ...rest };
}

const steps = [
	step('service:postgres', 'postgres db'),
	step('app:api:deploy', 'deployment of api', 'api', ['service:postgres']),
	step('app:web:deploy', 'deployment of web', 'web', ['app:api:deploy']),
];

const planned: DeployEvent = {
	type: 'planned',
	changes: steps.length,
	text: '',
	plan: { stage: 'staging', steps, changes: steps.length, notes: [] },
};

function event(type: string, { id, action, resource, app }: PlanStep, rest: object): DeployEvent {
	return { type, step: id, action, resource, ...(app && { app }), ...rest } as DeployEvent;
}

const [postgres, api, web] = steps as [PlanStep, PlanStep, PlanStep];
const started = (it: PlanStep, title: string) => event('step-started', it, { reason: it.reason, title });
const finished = (it: PlanStep, title: string) => event('step-finished', it, { title, durationMs: 1500 });

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllEnvs();
});

function show(terminal: Terminal, options: ProgressOptions = {}) {
	return createProgressRenderer({ stream: terminal, ...options });
}

describe('progress on a terminal', () => {
	it('has a row per app that says what it does, what it waits for and for how long', () => {
		const terminal = new Terminal();
		const { onEvent, end } = show(terminal);
		onEvent({ type: 'phase-started', phase: 'observe' });
		vi.advanceTimersByTime(1000);
		expect(terminal.text).toEqual([expect.stringMatching(/Looking at the server and at DNS {2}1\.0 s$/)]);
		onEvent(planned);
		onEvent(started(postgres, 'Creating postgres db'));
		vi.advanceTimersByTime(2000);
		expect(terminal.text).toEqual([
			expect.stringMatching(/ shared .* 0\/1 .* 2\.0 s {2}Creating postgres db$/),
			expect.stringMatching(/ · api .* 0\/1 .*waits for postgres db$/),
			expect.stringMatching(/ · web .* 0\/1 .*waits for deployment of api$/),
			expect.stringMatching(/3\.0 s$/),
		]);
		onEvent(finished(postgres, 'Created postgres db'));
		onEvent(started(api, 'Deploying api'));
		onEvent({ type: 'step-progress', step: api.id, app: 'api', progress: 'pulling' });
		vi.advanceTimersByTime(500);
		expect(terminal.text[0]).toMatch(/✓ shared .* 1\/1 .* 2\.0 s {2}Created postgres db$/);
		expect(terminal.text[1]).toMatch(/Deploying api: pulling$/);
		onEvent(event('step-failed', api, { code: 'DEPLOYMENT_FAILED', message: 'The app ended\nagain', durationMs: 5 }));
		onEvent(event('step-skipped', web, { reason: 'app:api:deploy did not succeed' }));
		end();
		expect(terminal.text[1]).toMatch(/✗ api .*DEPLOYMENT_FAILED: The app ended$/);
		expect(terminal.text[2]).toMatch(/- web .*deployment of web: app:api:/);
		const { writes } = terminal;
		vi.advanceTimersByTime(5000);
		onEvent(started(web, 'Deploying web'));
		expect(terminal.writes).toBe(writes);
	});

	it.each([40, 80, 200])('of %i columns never needs more, whatever the texts are', (columns) => {
		const terminal = new Terminal(columns);
		const { onEvent, end } = show(terminal);
		const long = step('app:x:deploy', '漢字❌'.repeat(60), 'a-very-long-name-of-an-app-indeed');
		onEvent({ ...planned, plan: { stage: 's', steps: [long], changes: 1, notes: [] } } as DeployEvent);
		onEvent(started(long, `Deploying ${'漢字❌\x1b[2Jx'.repeat(60)}`));
		vi.advanceTimersByTime(100);
		end();
		for (const line of terminal.text) expect(columnsOf(line)).toBeLessThan(columns);
	});

	it('keeps warnings above the rows, and rows within the height of the terminal', () => {
		const terminal = new Terminal(80, 10);
		const { onEvent, end } = show(terminal);
		const many = Array.from({ length: 50 }, (_, index) => step(`app:a${index}:deploy`, `deployment of a${index}`, `a${index}`));
		onEvent({ type: 'planned', changes: 50, text: '', plan: { stage: 's', steps: many, changes: 50, notes: [] } });
		onEvent(started(many[40] as PlanStep, 'Deploying a40'));
		vi.advanceTimersByTime(300);
		onEvent({ type: 'warning', code: 'dns', message: 'look at this', app: 'a3' });
		vi.advanceTimersByTime(300);
		expect(terminal.text[0]).toBe('  ! a3: look at this');
		expect(terminal.text.length - 1).toBeLessThan(10);
		expect(terminal.text.join('\n')).toContain('Deploying a40');
		expect(terminal.text.at(-1)).toContain('and 43 more');
		end();
		expect(terminal.text).toHaveLength(52);
	});
});

describe('progress elsewhere', () => {
	function written(options: ProgressOptions = {}): string {
		let text = '';
		const stream = { write: (more: string) => void (text += more) };
		const { onEvent, end } = createProgressRenderer({ stream, ...options });
		onEvent(planned);
		onEvent(started(postgres, 'Creating postgres db'));
		vi.advanceTimersByTime(1500);
		onEvent({ type: 'step-progress', step: postgres.id, progress: 'pulling' });
		onEvent({ type: 'log', step: postgres.id, line: 'a line' });
		onEvent(finished(postgres, 'Created postgres db'));
		onEvent(event('step-failed', api, { code: 'IMAGE_BUILD', message: 'no\nway', durationMs: 100 }));
		end();
		return text;
	}

	it('is a plain line for each thing that happened', () => {
		const text = written();
		expect(text).not.toContain('\x1b');
		expect(text.split('\n').map((line) => line.trim())).toEqual([
			'0.0 s  shared  3 changes',
			'1.5 s  shared  Creating postgres db: pulling',
			'1.5 s  shared  ✓ Created postgres db (1.5 s)',
			'1.5 s  api  ✗ deployment of api: IMAGE_BUILD: no (0.1 s)',
			'',
		]);
		expect(written({ logs: true })).toContain('│ a line');
	});

	it('has no colours with NO_COLOR, on a terminal neither', () => {
		expect(written({ color: true })).toContain('\x1b[32m');
		vi.stubEnv('NO_COLOR', '1');
		vi.stubEnv('FORCE_COLOR', undefined);
		const raw: string[] = [];
		const { onEvent, end } = createProgressRenderer({ stream: { isTTY: true, write: (text) => raw.push(text) } });
		onEvent(planned);
		end();
		expect(raw.join('')).not.toMatch(/\x1b\[\d+m/);
	});

	it('needs something to write to', () => {
		expect(() => createProgressRenderer({ stream: {} as never })).toThrow(
			expect.objectContaining({ code: 'INVALID_REQUEST' }),
		);
	});
});

/** How many columns a line takes on a terminal. */
function columnsOf(line: string): number {
	return [...line].reduce((sum, letter) => sum + (/[漢字❌]/u.test(letter) ? 2 : 1), 0);
}
