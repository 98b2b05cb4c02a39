//! Domains that an interrupted run was about to attach: a domain carries no mark, so the journal says whose it is.

use crate::DeployError;
use crate::deploy::context::RunContext;
use crate::state::{Intent, State};

/// What became of a domain that an interrupted run was about to attach.
pub(super) enum Adoption {
    /// It is attached, and ours.
    Of {
        /// Its host name.
        host: String,
        /// Its id.
        id: String,
    },
    /// It is not, or the state knows it already.
    None,
    /// The server does not know an application that the state knows: nothing can be said.
    Unknown,
}

/// Finds out what became of a domain that an interrupted run was about to attach. Makes only reads.
pub(super) async fn find_adoption(
    context: &RunContext,
    state: &State,
    intent: &Intent,
) -> Result<Adoption, DeployError> {
    let Intent::AttachDomain { application_id, host } = intent else { return Ok(Adoption::None) };
    if !state.applications.values().any(|id| id == application_id) {
        return Ok(Adoption::None);
    }
    let attached = match context.client.domain().by_application_id(application_id).await {
        Err(error) if error.is_not_found() => return Ok(Adoption::Unknown),
        attached => attached?,
    };
    // There was none when the run looked. Of several nobody can say which one is ours.
    let mut at_host = attached.into_iter().filter(|domain| domain.host.eq_ignore_ascii_case(host));
    Ok(match (at_host.next(), at_host.next()) {
        (Some(only), None) if !state.deploy_native.domains.has(&only.domain_id) => {
            Adoption::Of { host: host.clone(), id: only.domain_id }
        }
        _ => Adoption::None,
    })
}

/// Puts the domains of an interrupted run into a copy of the state, as [`super::recover_interrupted`] does for good.
///
/// # Errors
///
/// `DOKPLOY_*`.
pub(crate) async fn adopt_domains_in_memory(
    context: &RunContext,
    state: &mut State,
    intents: impl Iterator<Item = &Intent>,
) -> Result<(), DeployError> {
    for intent in intents {
        if let Adoption::Of { host, id } = find_adoption(context, state, intent).await? {
            state.deploy_native.domains.insert(host, id);
        }
    }
    Ok(())
}
