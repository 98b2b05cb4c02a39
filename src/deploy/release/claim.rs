//! Making the one release application of a stage.
//!
//! Two machines may be here at the same moment, and the server has no "create unless there is one". So each makes its own
//! and looks then whether it is alone: of two that do so at once, at least one sees the other. Who is not alone takes its
//! own away again and comes back a little later; what is not deployed has run nothing.

use super::finish::{Found, finish};
use super::listing::listed;
use crate::DeployError;
use crate::deploy::changes::{StepContext, delete_application};
use crate::deploy::context::{ApplicationRef, carries};
use crate::dokploy::{CreateApplication, MarkKind};
use crate::secrets::generate_secret;
use crate::state::{Intent, ResourceKind};
use std::time::Duration;
use tokio::time::sleep;

/// How long one that was not alone waits at most before it comes back.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Makes the release application of `app`, when no other release of the stage runs or is unaccounted for.
///
/// # Errors
///
/// `DOKPLOY_*`, `STATE_IO`.
pub(crate) async fn claim(cx: &StepContext<'_>, environment: &str, app: &str) -> Result<ApplicationRef, DeployError> {
    loop {
        for other in listed(&cx.client, &cx.marks, environment).await? {
            cx.progress(format!("waiting for a release of {}", other.app));
            finish(cx, &Found { id: other.id, app: other.app, abandoned: false }).await?;
        }
        let made = create(cx, environment, app).await?;
        let others = listed(&cx.client, &cx.marks, environment).await?;
        if others.iter().all(|other| other.id == made.id) {
            return Ok(made);
        }
        delete_application(&cx.client, &made.id).await?;
        sleep(pause(cx)).await;
    }
}

async fn create(cx: &StepContext<'_>, environment: &str, app: &str) -> Result<ApplicationRef, DeployError> {
    let mark = cx.marks.of(MarkKind::Release, app);
    let nonce: String = generate_secret(cx.entropy()).expose().chars().take(12).collect();
    let name = format!("release-{nonce}");
    let description = mark.put_into(&format!("Short-lived: runs {name}, before {app} is deployed"));
    let create = CreateApplication {
        name: &name,
        environment_id: environment,
        app_name: Some(&name),
        description: Some(&description),
    };
    let send = || async { Ok(cx.client.application().create(&create).await?.into()) };
    let find = || async {
        let applications = cx.client.environment().one(environment).await?.applications;
        let ours = applications.iter().find(|it| it.name == name && carries(it.description.as_deref(), &mark));
        match ours {
            Some(entry) => Ok(Some(cx.client.application().one(&entry.id).await?.into())),
            None => Ok(None),
        }
    };
    let intent = Intent::Create { resource: ResourceKind::Application, name: name.clone(), mark: mark.format() };
    cx.create_once(intent, send, find).await
}

/// Some time, such that two that wait do not come back at once.
fn pause(cx: &StepContext<'_>) -> Duration {
    let mut byte = [0_u8];
    cx.entropy().fill(&mut byte);
    LONGEST_PAUSE.min(cx.surroundings.landing).mul_f32(0.2 + 0.8 * f32::from(byte[0]) / 255.0)
}
