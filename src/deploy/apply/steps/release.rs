//! Running what an app wants run before it is deployed, with its new image, once for each image and environment.

use super::delivery::{Delivery, Parts};
use crate::DeployError;
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::changes::StepContext;
use crate::deploy::context::ApplicationRef;
use crate::deploy::database_access::{DatabaseAccess, DatabaseTarget, DatabaseWork};
use crate::deploy::prepare::DATABASE_URL;
use crate::deploy::release::{
    End, Ended, Found, Start, claim, finish, follow_to_end, release_failed, remove_ended, start,
};
use crate::env::PostgresAddress;
use crate::plan::{ReleaseTitle, Twin, release_fingerprint};
use crate::postgres::{
    AppRole, DatabaseRoles, SqlTransport, close_owner_login, open_owner_login, owner_login_name, prove, provision,
};
use crate::secrets::{Secret, generate_password, generate_secret};
use crate::state::{Intent, Outcome, ResourceKind};
use crate::workspace::{Release, ReleaseLogin};
use async_trait::async_trait;
use indexmap::IndexMap;
use std::time::Duration;

/// What is known of an app's release before the run.
pub(crate) struct ReleaseWork<'a> {
    pub(super) delivery: Delivery<'a>,
    pub(super) release: &'a Release,
    /// How the owner of the database is reached.
    pub(super) owner: OwnerAccess<'a>,
}

/// How logins are made and dropped that act as the owner of the database.
#[derive(Clone, Copy)]
pub(crate) struct OwnerAccess<'a> {
    pub(super) access: &'a DatabaseAccess,
    /// The roles that the database has.
    pub(super) roles: Option<&'a DatabaseRoles>,
}

/// Runs the release of an app. Nothing, where it was run for this image and environment.
pub(super) async fn run(
    cx: &StepContext<'_>,
    work: &ReleaseWork<'_>,
    parts: &Parts,
    environment: &str,
) -> Result<StepOutcome, DeployError> {
    let desired = work.delivery.desired;
    let app = desired.name.as_str();
    let fingerprint = release_fingerprint(&parts.image, &desired.env, work.release);
    if cx.state.snapshot().deploy_native.released.get(app) == Some(&fingerprint) {
        return Ok(StepOutcome::unchanged("it was run for this image and environment"));
    }
    let application = claim(cx, environment, app).await?;
    let mut env = work.delivery.environment(cx, parts)?;
    let ended = match work.release.login {
        ReleaseLogin::App => run_in(cx, work, parts, &application, (&env, &fingerprint)).await,
        ReleaseLogin::Owner => {
            let target = work.target(parts, environment)?;
            let url = work.owner.open(cx, &target, app).await?;
            env.insert(DATABASE_URL.to_owned(), url);
            let ended = run_in(cx, work, parts, &application, (&env, &fingerprint)).await;
            // Whatever came of it, nothing is left of the login; and what was made is the app's.
            work.owner.close(cx, &target, &[app.to_owned()]).await?;
            ended
        }
    };
    match ended {
        Ok(None) => Ok(StepOutcome::Changed(())),
        Ok(Some(error)) | Err(error) => Err(error),
    }
}

/// Runs it in its application, and takes that away; what is returned is why it did not end well.
async fn run_in(
    cx: &StepContext<'_>,
    work: &ReleaseWork<'_>,
    parts: &Parts,
    application: &ApplicationRef,
    (env, fingerprint): (&IndexMap<String, Secret>, &str),
) -> Result<Option<DeployError>, DeployError> {
    let desired = work.delivery.desired;
    let (app, limit) = (desired.name.as_str(), Duration::from_secs(work.release.timeout_seconds.into()));
    let nonce = generate_secret(cx.entropy()).expose().chars().take(12).collect();
    let title = ReleaseTitle { fingerprint: fingerprint.to_owned(), limit: work.release.timeout_seconds, nonce };
    let what = Start {
        app,
        image: &parts.image,
        registry: desired.registry.as_ref(),
        env,
        command: &work.release.command,
        title: &title,
    };
    let entry = start(cx, application, &what).await?;
    let (error, ran) = match follow_to_end(cx, application, &title.to_string(), limit).await {
        Ok(Ended { end: End::Succeeded, .. }) => (None, true),
        Ok(Ended { end, log }) => {
            let told = end.told(app, limit);
            (told.map(|(message, reason)| release_failed(app, message, reason, &log)), false)
        }
        // Nothing was run: that is known, and no other failure tells as much.
        Err(error) if error.code() == crate::ErrorCode::DeploymentFailed => (Some(error.app(app)), false),
        Err(error) => return Err(error),
    };
    if ran {
        // Before the application goes, which would say so as well.
        let (app, fingerprint) = (app.to_owned(), fingerprint.to_owned());
        cx.state.update(|state| state.deploy_native.released.insert(app, fingerprint)).await?;
    }
    remove_ended(cx, application).await?;
    cx.journal.settle(&entry, Outcome::Done).await?;
    Ok(error)
}

/// Finds out how the release ended that an interrupted run has begun.
pub(super) async fn finish_interrupted(cx: &StepContext<'_>, twin: &Twin) -> Result<StepOutcome, DeployError> {
    let found = Found { id: twin.id.clone(), app: twin.name.clone(), abandoned: true };
    let intent = Intent::Delete { resource: ResourceKind::Application, name: twin.name.clone(), id: twin.id.clone() };
    cx.journaled(intent, finish(cx, &found)).await?;
    Ok(StepOutcome::Changed(()))
}

/// Drops the logins that interrupted releases have left open.
pub(super) async fn close_logins(
    cx: &StepContext<'_>,
    owner: OwnerAccess<'_>,
    apps: &[String],
    target: &DatabaseTarget,
) -> Result<StepOutcome, DeployError> {
    owner.close(cx, target, apps).await?;
    Ok(StepOutcome::Changed(()))
}

impl ReleaseWork<'_> {
    fn target(&self, parts: &Parts, environment: &str) -> Result<DatabaseTarget, DeployError> {
        let service = parts.postgres.clone().ok_or_else(|| no_role(&self.delivery.desired.name))?;
        Ok(DatabaseTarget { service, environment: environment.to_owned() })
    }
}

impl OwnerAccess<'_> {
    /// Makes the login of an app's release; returns the address of the database with it.
    async fn open(self, cx: &StepContext<'_>, target: &DatabaseTarget, app: &str) -> Result<Secret, DeployError> {
        let roles = self.roles.ok_or_else(|| no_role(app))?;
        let role = roles.apps().iter().find(|role| role.app == app).ok_or_else(|| no_role(app))?;
        let password = generate_password(cx.entropy());
        cx.reporter.hide(&password);
        // The next run drops it, should we not come to that.
        cx.state.update(|state| state.deploy_native.owner_logins.insert(app.to_owned())).await?;
        cx.progress("making a login that acts as the owner of the database");
        self.access.run(cx, target, &OpenLogin { roles, role, password: &password }).await?;
        let (host, database) = (Some(target.service.app_name.clone()), target.service.database.clone());
        let url = PostgresAddress::new(host, database, owner_login_name(&role.user), password).url();
        url.inspect(|url| cx.reporter.hide(url)).ok_or_else(|| no_role(app))
    }

    /// Drops the logins of releases, and gives the apps what those have made.
    async fn close(self, cx: &StepContext<'_>, target: &DatabaseTarget, apps: &[String]) -> Result<(), DeployError> {
        let roles = self.roles.ok_or_else(|| no_role(&apps.join(", ")))?;
        cx.progress("dropping the login that acts as the owner of the database");
        let intent =
            Intent::Delete { resource: ResourceKind::Role, name: apps.join(", "), id: target.service.id.clone() };
        let change = async {
            self.access.run(cx, target, &CloseLogins { roles, apps }).await?;
            let closed = |state: &mut crate::state::State| {
                state.deploy_native.owner_logins.retain(|app| !apps.contains(app));
            };
            cx.state.update(closed).await
        };
        cx.journaled(intent, change).await
    }
}

struct OpenLogin<'a> {
    roles: &'a DatabaseRoles,
    role: &'a AppRole,
    password: &'a Secret,
}

#[async_trait]
impl DatabaseWork for OpenLogin<'_> {
    type Output = ();

    async fn run(&self, transport: &dyn SqlTransport) -> Result<(), DeployError> {
        open_owner_login(transport, self.roles, self.role, self.password).await
    }
}

struct CloseLogins<'a> {
    roles: &'a DatabaseRoles,
    apps: &'a [String],
}

#[async_trait]
impl DatabaseWork for CloseLogins<'_> {
    type Output = ();

    async fn run(&self, transport: &dyn SqlTransport) -> Result<(), DeployError> {
        for app in self.apps {
            // One that the workspace no longer declares has its role all the same.
            let known = self.roles.apps().iter().find(|role| role.app == *app).map(|role| &role.user);
            let user = known.or_else(|| self.roles.retired().get(app)).unwrap_or(app);
            close_owner_login(transport, self.roles, user).await?;
        }
        if self.roles.apps().is_empty() {
            return Ok(());
        }
        provision(transport, self.roles).await?;
        // It fails where they are not isolated.
        prove(transport, self.roles).await.map(drop)
    }
}

fn no_role(app: &str) -> DeployError {
    DeployError::new(
        crate::ErrorCode::InvalidRequest,
        format!("The release of {app} is to act as the owner of the database, and {app} has no role there"),
    )
    .app(app)
    .hint("An app has a role when it needs DATABASE_URL; else leave out `as: 'owner'`")
}
