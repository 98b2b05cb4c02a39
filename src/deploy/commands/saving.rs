//! What a deployment or rollback makes durable before its first change (I2).

use crate::DeployError;
use crate::deploy::context::{RunContext, RunLock};
use crate::deploy::prepare::{Draft, begin_login_rotations, count_run};
use crate::plan::{Desired, Observed};
use crate::secrets::{Entropy, generate_password};
use crate::state::{SharedState, State};
use std::sync::Arc;

/// Makes what a draft sends for the first time durable (I2).
///
/// # Errors
///
/// `STATE_IO`, `HOOK_FAILED`.
pub(super) async fn save_draft(
    context: &RunContext,
    lock: &RunLock,
    draft: &Draft,
) -> Result<SharedState, DeployError> {
    let provider = || Arc::clone(&context.state_provider);
    let shared = match &draft.kept {
        Some(kept) => SharedState::resume(provider(), kept.clone(), context.read_version()),
        None => SharedState::start(provider(), draft.state.clone()),
    };
    let shared = shared.under(lock.stage().clone());
    shared
        .update(|state| {
            *state = draft.state.clone();
            if draft.blueprint.plan.changes > 0 {
                count_run(state, context.entropy());
            }
            draft.generated.keep_in(state);
            begin_login_rotations(state, &draft.desired.rotations, context.entropy());
            choose_passwords(state, &draft.desired, &draft.observed, context.entropy());
        })
        .await?;
    Ok(shared)
}

/// Chooses the passwords of the services that are to be created, so that they are durable with everything else.
fn choose_passwords(state: &mut State, desired: &Desired, observed: &Observed, entropy: &dyn Entropy) {
    let passwords = &mut state.deploy_native.passwords;
    if desired.postgres.is_some() && observed.postgres.is_none() {
        passwords.postgres.get_or_insert_with(|| generate_password(entropy));
    }
    if desired.redis.is_some() && observed.redis.is_none() {
        passwords.redis.get_or_insert_with(|| generate_password(entropy));
    }
}
