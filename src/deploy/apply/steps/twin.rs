//! Idle twins that interrupted creates left beside the resource in use.

use crate::DeployError;
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::changes::{StepContext, delete_application, delete_job, remove};
use crate::plan::{Twin, TwinKind};
use crate::state::{Intent, ResourceKind};

/// Removes an idle twin, after a last look that it is idle.
pub(super) async fn remove_twin(cx: &StepContext<'_>, twin: &Twin) -> Result<StepOutcome, DeployError> {
    cx.progress("looking whether it is idle");
    if is_used(cx, twin).await? {
        return Ok(StepOutcome::unchanged("it is in use"));
    }
    let intent = Intent::Delete { resource: kind_of(twin.kind), name: twin.name.clone(), id: twin.id.clone() };
    cx.journaled(intent, delete(cx, twin)).await?;
    Ok(StepOutcome::Changed(()))
}

async fn is_used(cx: &StepContext<'_>, twin: &Twin) -> Result<bool, DeployError> {
    match twin.kind {
        TwinKind::Project => {
            let environments = cx.client.environment().by_project_id(&twin.id).await?;
            Ok(environments.iter().any(|environment| !(environment.is_default && environment.is_empty())))
        }
        TwinKind::Application => Ok(!cx.client.deployment().all(&twin.id).await?.is_empty()),
        _ => Ok(false),
    }
}

async fn delete(cx: &StepContext<'_>, twin: &Twin) -> Result<(), DeployError> {
    let (client, id) = (&cx.client, twin.id.as_str());
    match twin.kind {
        TwinKind::Job | TwinKind::Release => return delete_job(client, id).await,
        TwinKind::Application => delete_application(client, id).await,
        TwinKind::Project => remove(client, || async { client.project().remove(id).await }).await,
        TwinKind::Environment => remove(client, || async { client.environment().remove(id).await }).await,
        TwinKind::Postgres => remove(client, || async { client.postgres().remove(id).await }).await,
        TwinKind::Redis => remove(client, || async { client.redis().remove(id).await }).await,
        TwinKind::Domain => remove(client, || async { client.domain().delete(id).await }).await,
    }?;
    Ok(())
}

fn kind_of(twin: TwinKind) -> ResourceKind {
    match twin {
        TwinKind::Project => ResourceKind::Project,
        TwinKind::Environment => ResourceKind::Environment,
        TwinKind::Application | TwinKind::Job | TwinKind::Release => ResourceKind::Application,
        TwinKind::Postgres => ResourceKind::Postgres,
        TwinKind::Redis => ResourceKind::Redis,
        TwinKind::Domain => ResourceKind::Domain,
    }
}
