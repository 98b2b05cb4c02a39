import {
	type AppReport,
	type DeployPlan,
	type DeployRequest,
	deploy,
	planRollback,
	type RollbackRequest,
	renderPlan,
	rollback,
} from '@geekmidas/deploy-native';
import { expect, it } from 'vitest';
import { failure } from './failure.ts';
import { oneApp, startWorld, type World } from './world.ts';

const digest = (version: number) => String(version).repeat(64);
const image = (version: number) => `registry.test/shop/api@sha256:${digest(version)}`;

/** One app at a version, which is given a value of that version. */
function version(world: World, number: number): DeployRequest {
	const request = oneApp(world);
	const { api } = request.workspace.apps;
	if (api === undefined) throw new Error('the example has an api');
	const workspace = { ...request.workspace, apps: { api: { ...api, requiredEnv: ['PORT', 'GREETING'] } } };
	const secrets = { shared: { GREETING: `hello from ${number}` } };
	return { ...request, workspace, secrets, images: { api: image(number) }, domains: false };
}

/** The request that goes back from it. */
function back({ workspace, stage, credentials }: DeployRequest, more: Partial<RollbackRequest> = {}): RollbackRequest {
	return { workspace, stage, credentials, stabilitySeconds: 0, domains: false, ...more };
}

/** What the simulated Swarm runs. */
const runs = ({ simulator }: World) => JSON.stringify(simulator.snapshot().services);

it('an app goes back with its image and its values, and then there is nothing to go back to', async () => {
	const world = await startWorld({ database: false });
	await deploy(version(world, 1), world.options());
	const request = version(world, 2);
	await deploy(request, world.options());
	const mutations = world.simulator.mutations().length;
	const plan = await planRollback(back(request), world.options());
	expect(renderPlan(plan)).toContain(`api goes back to`);
	expect(plan.notes.join()).toContain(image(1));
	expect(world.simulator.mutations()).toHaveLength(mutations);

	const report = await rollback(back(request), world.options({ expectedPlan: plan }));
	expect(report.rolledBack).toMatchObject([{ appName: 'api', image: image(1), restored: true }]);
	expect(runs(world)).toContain(image(1));
	expect(runs(world)).toContain('GREETING=hello from 1');

	const error = await failure(rollback(back(request), world.options()));
	expect(error).toMatchObject({ code: 'NO_EARLIER_DEPLOYMENT', stage: 'staging' });
	const wrong = { ...back(request), onto: 'x' } as RollbackRequest;
	expect(await failure(rollback(wrong, world.options()))).toMatchObject({ code: 'INVALID_REQUEST' });
});

it('beforeApply agrees to the plan, or nothing is changed', async () => {
	const world = await startWorld({ database: false });
	const plans: DeployPlan[] = [];
	const declines = (plan: DeployPlan) => {
		plans.push(plan);
		return false;
	};
	const declined = await failure(deploy(version(world, 1), world.options({ beforeApply: declines })));
	expect(declined).toMatchObject({ code: 'CANCELLED', reason: 'declined' });
	expect(plans[0]?.steps.map(({ id }) => id)).toContain('app:api:deploy');
	const thrown = new Error('no terminal to ask at');
	const rejects = async () => {
		throw thrown;
	};
	const rejected = await failure(deploy(version(world, 1), world.options({ beforeApply: rejects })));
	expect(rejected).toMatchObject({ code: 'HOOK_FAILED', resource: 'beforeApply', cause: thrown });
	expect(world.simulator.mutations()).toEqual([]);
	const report = await deploy(version(world, 1), world.options({ beforeApply: async (plan) => void plans.push(plan) }));
	expect(plans.at(-1)?.changes).toBe(report.changes);
});

it('afterApp is told of each app before the promise settles, and what it throws is a warning', async () => {
	const world = await startWorld({ database: false });
	const [told, warnings]: [AppReport[], string[]] = [[], []];
	const report = await deploy(
		version(world, 1),
		world.options({
			afterApp: async (app) => {
				await new Promise((resolve) => setTimeout(resolve, 10));
				told.push(app);
				throw new Error('nobody listens');
			},
			onEvent: (event) => void (event.type === 'warning' && warnings.push(`${event.code}: ${event.message}`)),
		}),
	);
	expect(told).toEqual(report.apps);
	expect(warnings.join()).toContain('hook-failed: `afterApp` failed: nobody listens');
	const wrong = { afterApp: 'log' } as unknown as Parameters<typeof world.options>[0];
	const error = await failure(deploy(version(world, 1), world.options(wrong)));
	expect(error.message).toBe('options.afterApp: expected a function');
});
