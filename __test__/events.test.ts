import { deploy, type DeployError, type DeployEvent, plan } from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';
import { request } from './request.ts';
import { startWorld } from './world.ts';

/** Keeps this thread busy, so that events pile up. */
function busy(millis: number): void {
	const end = performance.now() + millis;
	while (performance.now() < end);
}

describe('events', () => {
	it('all arrive before the promise settles, however busy the thread is', async () => {
		// As many events as apps, and then at once an error: without a care for it, the promise settles before the last.
		const apps = Object.fromEntries(
			Array.from({ length: 1_200 }, (_, index) => [
				`app-${index}`,
				{ path: `apps/${index}`, port: 3_000 + index, requiredEnv: ['NOWHERE_TO_BE_FOUND'] },
			]),
		);
		const given = { ...request(), workspace: { ...request().workspace, apps } };
		const run = async (pause: number) => {
			const started = performance.now();
			const events: DeployEvent[] = [];
			const onEvent = (event: DeployEvent) => {
				if (events.push(event) === 1) busy(pause);
			};
			const code = await plan(given, { onEvent }).catch((error: DeployError) => error.code);
			return { code, events: [...events], took: performance.now() - started };
		};
		const idle = await run(0);
		const { code, events } = await run(2 * idle.took);
		expect(code).toBe('MISSING_ENV');
		// Apps are sniffed side by side: which of them is done first is chance, and no more than that.
		const sorted = (all: DeployEvent[]) => all.map((event) => JSON.stringify(event)).sort();
		expect(sorted(events)).toEqual(sorted(idle.events));
		expect(events.filter(({ type }) => type === 'app-sniffed')).toHaveLength(1_200);
		expect([events[0], events.at(-1)]).toEqual([
			{ type: 'phase-started', phase: 'sniff' },
			{ type: 'phase-started', phase: 'resolve' },
		]);
	});

	it('come as the types say', async () => {
		const world = await startWorld({ database: false });
		const events: DeployEvent[] = [];
		await plan(world.request(), world.options({ onEvent: (event) => void events.push(event) }));
		const phases = events.flatMap((event) => (event.type === 'phase-started' ? [event.phase] : []));
		expect(phases).toEqual(['sniff', 'resolve', 'observe', 'plan']);
		expect(events.find(({ type }) => type === 'planned')).toEqual({
			type: 'planned',
			changes: expect.any(Number),
			text: expect.stringContaining('staging'),
			plan: expect.objectContaining({ steps: expect.any(Array) }),
		});
	});
});

describe('an onEvent', () => {
	const thrown = new Error('the terminal is gone');

	it.each<[string, (event: DeployEvent) => void]>([
		['throws', () => { throw thrown; }],
		['returns a promise that rejects', () => Promise.reject(thrown)],
	])('that %s cancels the run, which throws the same', async (_name, onEvent) => {
		const world = await startWorld({ database: false });
		let calls = 0;
		const counted = (event: DeployEvent) => {
			calls += 1;
			return onEvent(event);
		};
		await expect(deploy(world.request(), world.options({ onEvent: counted }))).rejects.toBe(thrown);
		expect(calls).toBeGreaterThan(0);
		expect(world.simulator.mutations()).toEqual([]);
	});
});
