//! Applications: created once, and marked as ours.

use crate::DeployError;
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::changes::StepContext;
use crate::deploy::context::{ApplicationRef, carries};
use crate::dokploy::{CreateApplication, MarkKind, UpdateApplication};
use crate::state::{Intent, ResourceKind};

/// Creates an app's application; makes it known.
pub(super) async fn create(
    cx: &StepContext<'_>,
    app: &str,
    base_name: Option<&str>,
    environment: &str,
) -> Result<StepOutcome<ApplicationRef>, DeployError> {
    let mark = cx.marks.of(MarkKind::App, app);
    let description = mark.put_into(&format!("App {app} of {}", cx.marks.workspace));
    let create = CreateApplication {
        name: app,
        environment_id: environment,
        app_name: base_name,
        description: Some(&description),
    };
    let send = || async { Ok(cx.client.application().create(&create).await?.into()) };
    let find = || async {
        let listed = cx.client.environment().one(environment).await?.applications;
        let ours = |name: &str, description: Option<&str>| name == app && carries(description, &mark);
        match listed.iter().find(|entry| ours(&entry.name, entry.description.as_deref())) {
            Some(entry) => Ok(Some(cx.client.application().one(&entry.id).await?.into())),
            None => Ok(None),
        }
    };
    let intent = Intent::Create { resource: ResourceKind::Application, name: app.to_owned(), mark: mark.format() };
    let made: ApplicationRef = cx.create_once(intent, send, find).await?;
    cx.state.update(|state| state.applications.insert(app.to_owned(), made.id.clone())).await?;
    Ok(StepOutcome::Changed(made))
}

/// Puts our mark on an application that lacks it, behind what its description says.
pub(super) async fn mark(
    cx: &StepContext<'_>,
    app: &str,
    description: &str,
    application: &ApplicationRef,
) -> Result<StepOutcome, DeployError> {
    let id = application.id.as_str();
    let description = cx.marks.of(MarkKind::App, app).put_into(description);
    let update =
        UpdateApplication { application_id: id, description: Some(&description), ..UpdateApplication::default() };
    let change = async {
        cx.client.repeat(|| async { cx.client.application().update(&update).await }).await?;
        cx.state.update(|state| state.applications.insert(app.to_owned(), id.to_owned())).await
    };
    let (resource, name) = (ResourceKind::Application, app.to_owned());
    cx.journaled(Intent::Update { resource, name, id: id.to_owned() }, change).await?;
    Ok(StepOutcome::Changed(()))
}
