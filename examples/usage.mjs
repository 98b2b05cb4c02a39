import { deploy, DeployError, formatError } from '@geekmidas/deploy-native';

/** Deploys, tells what happens, and says how it went. */
export async function ship(request, options, log = console.log) {
	const onEvent = (event) => {
		if (event.type === 'planned') log(event.text);
		if (event.type === 'step-finished') log(`${event.title} (${event.durationMs} ms)`);
		if (event.type === 'warning') log(`warning: ${event.message}`);
	};
	try {
		const report = await deploy(request, { ...options, onEvent });
		for (const { appName, status, url } of report.apps) log(`${appName} is ${status} at ${url}`);
		return report;
	} catch (error) {
		if (!(error instanceof DeployError)) throw error;
		// The app, the cause, the hint and the end of the log; of several failures, each.
		log(formatError(error));
		return error.report;
	}
}
