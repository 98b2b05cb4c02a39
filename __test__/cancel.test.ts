import { spawn } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { deploy, type DeployEvent, plan, sniffApp } from '@geekmidas/deploy-native';
import { describe, expect, it } from 'vitest';
import { failure } from './failure.ts';
import { oneApp, startWorld } from './world.ts';

const reason = new Error('the user pressed Ctrl-C');

describe('i10_a_signal', () => {
	it('that is aborted already starts nothing', async () => {
		const { simulator, request, options } = await startWorld({ database: false });
		const error = await failure(deploy(request(), options({ signal: AbortSignal.abort(reason) })));
		expect(error).toMatchObject({ code: 'CANCELLED', cause: reason });
		expect(simulator.requests()).toEqual([]);
	});

	it('aborted at a step rejects within two seconds, and the next run converges', async () => {
		const { simulator, request, options } = await startWorld();
		const controller = new AbortController();
		let aborted = 0;
		const onEvent = (event: DeployEvent) => {
			if (event.type !== 'step-progress' || event.step !== 'database:roles' || aborted > 0) return;
			aborted = performance.now();
			controller.abort(reason);
		};
		const error = await failure(deploy(request(), options({ signal: controller.signal, onEvent })));
		expect(performance.now() - aborted).toBeLessThan(2_000);
		expect(error).toMatchObject({ code: 'CANCELLED', cause: reason });

		const report = await deploy(request(), options());
		expect(report.apps.every(({ status }) => status === 'running')).toBe(true);
		expect(simulator.count('postgres.create')).toBe(1);
		expect(simulator.count('project.create')).toBe(1);
	});

	it('reaches a hook that is running', async () => {
		const world = await startWorld({ database: false });
		const controller = new AbortController();
		let hear = (_reason: unknown): void => {};
		const heard = new Promise((resolve) => (hear = resolve));
		const call = deploy(
			oneApp(world),
			world.options({
				signal: controller.signal,
				buildImage: (_build, { signal }) => {
					signal.addEventListener('abort', () => hear(signal.reason));
					controller.abort(reason);
					return new Promise(() => {});
				},
			}),
		);
		expect((await failure(call)).code).toBe('CANCELLED');
		expect(await heard).toBe(reason);
	});

	it('aborted after the end does nothing, and no listener is left on it', async () => {
		const { request, options } = await startWorld({ database: false });
		const controller = new AbortController();
		const { signal } = controller;
		let handled = 0;
		for (let run = 0; run < 3; run += 1) await plan(request({ apps: ['web'] }), options({ signal })).catch(() => {});
		expect(getEventListeners(signal, 'abort')).toEqual([]);
		signal.onabort = () => (handled += 1);
		await plan(request({ apps: ['web'] }), options({ signal })).catch(() => {});
		controller.abort();
		expect(handled).toBe(1);
	});

	it('of a timeout stops a sniff', async () => {
		const { request, root } = await startWorld({ database: false });
		const { api } = request().workspace.apps;
		if (api === undefined) throw new Error('the example has an api');
		const error = await failure(sniffApp(api, 'api', root, { signal: AbortSignal.timeout(1), cache: false }));
		expect(error.code).toBe('CANCELLED');
		expect((error.cause as Error).name).toBe('TimeoutError');
	});
});

it('a worker that is terminated in the middle of a run takes neither the process nor the next run along', async () => {
	const { request, options } = await startWorld();
	const worker = new Worker(new URL('./fixtures/worker.mjs', import.meta.url), {
		workerData: { request: request(), options: options() },
	});
	await once(worker, 'message');
	expect(await worker.terminate()).toBe(1);

	// The run that was cut off lets go of its lock by itself.
	await expect.poll(() => deploy(request(), options()).catch(({ code }) => code), { timeout: 30_000 }).toMatchObject({
		apps: expect.arrayContaining([expect.objectContaining({ appName: 'auth', status: 'running' })]),
	});
});

describe('i10_ctrl_c', () => {
	it.each(['database:roles', 'app:api:deploy'])('in a script that awaits a deployment, in the middle of %s', async (step) => {
		const { simulator, request, options } = await startWorld();
		const script = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/ctrl-c.mjs', import.meta.url))], {
			env: { ...process.env, PART: JSON.stringify({ request: request(), options: options() }) },
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		const exited = once(script, 'exit');
		const said: Array<Record<string, unknown>> = [];
		for await (const line of createInterface(script.stdout)) {
			const message = JSON.parse(line) as Record<string, unknown>;
			said.push(message);
			if (message.step === step && !script.killed) script.kill('SIGINT');
		}
		const [exitCode] = await exited;
		const end = said.at(-1);
		expect(end).toMatchObject({ type: 'rejected', code: 'CANCELLED', cause: 'Ctrl-C' });
		expect(end?.after).toBeLessThan(2_000);
		expect(exitCode).toBe(130);

		const report = await deploy(request(), options());
		expect(report.apps.every(({ status }) => status === 'running')).toBe(true);
		expect(simulator.count('postgres.create')).toBe(1);
		expect(simulator.count('project.create')).toBe(1);
		expect((await plan(request(), options())).changes).toBe(0);
	});
});
