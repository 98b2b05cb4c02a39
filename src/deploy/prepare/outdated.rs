//! A state that is older than the server: another checkout has deployed since (I2).

use crate::deploy::context::RunContext;
use crate::plan::{DeploymentTitle, Observed, Outdated, find_outdated, newest_run, newest_serial};
use crate::secrets::{Entropy, generate_secret};
use crate::state::State;

/// Takes out of a state what a later run of another checkout has changed, so that it is recovered from the server.
pub(super) fn refresh(context: &RunContext, state: &mut State, observed: &Observed) -> Option<Outdated> {
    // Numbers of another server say nothing here.
    let outdated = find_outdated(state, observed).filter(|_| observed.former_server.is_none());
    if let Some(outdated) = &outdated {
        let apps: Vec<&str> = outdated.apps().collect();
        let message = format!(
            "Another checkout has deployed {} since this state was written; what it has changed is taken from the server",
            apps.join(", ")
        );
        context.reporter.warn("state-outdated", &message, None);
        outdated.forget(state, observed);
    }
    let ours = &mut state.deploy_native;
    let newest = newest_serial(observed);
    if newest > ours.serial || outdated.is_some() {
        ours.serial = newest;
        ours.run = newest_run(observed).map(str::to_owned);
    }
    outdated
}

/// Counts a run that is about to change the stage, and gives it a name that no other has.
pub(crate) fn count_run(state: &mut State, entropy: &dyn Entropy) {
    state.deploy_native.serial += 1;
    state.deploy_native.run = Some(DeploymentTitle::run_of(generate_secret(entropy).expose()));
}
