//! Roles and schemas: applied through one way to the database, and proven isolated.

use crate::deploy::apply::Done;
use crate::deploy::initialise::initialised;
use crate::deploy::port::{Until, close};
use crate::deploy::reach::{Work, reach, target};
use crate::deploy::report::RetiredRole;
use crate::deploy::session::Session;
use crate::plan::Step;
use crate::postgres::{
    AppNames, DatabaseRoles, IsolationReport, SqlTransport, app_names, close_second_login, disable_role, drop_role,
    prove, provision,
};
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;

/// Applies roles and schemas, and proves that they are isolated.
pub(super) async fn apply_roles(session: &Session, step: &Step) -> Result<Done, DeployError> {
    let Some(roles) = session.roles.clone() else { return Ok(Done::Nothing("no app needs a role".to_owned())) };
    let fingerprint = roles.fingerprint();
    let gone: Vec<String> = roles.retired().keys().cloned().collect();
    let (isolation, retired) = reach(session, step, &ApplyRoles { session, step, roles }).await?;
    session
        .state
        .update(|state| {
            state.deploy_native.database = Some(fingerprint);
            for app in &gone {
                state.deploy_native.rotations.remove(app);
            }
        })
        .await?;
    let mut world = session.world();
    (world.isolation, world.retired) = (isolation, retired);
    Ok(Done::Changed)
}

struct ApplyRoles<'a> {
    session: &'a Session,
    step: &'a Step,
    roles: DatabaseRoles,
}

#[async_trait]
impl Work for ApplyRoles<'_> {
    type Output = (Option<IsolationReport>, Vec<RetiredRole>);

    async fn run(&self, transport: &dyn SqlTransport) -> Result<Self::Output, DeployError> {
        let Self { session, step, roles } = self;
        let are_desired = !roles.apps().is_empty();
        if are_desired {
            session.progress(step, "applying roles and schemas");
            provision(transport, roles).await?;
        }
        let retired = self.retire(transport).await?;
        if !are_desired {
            return Ok((None, retired));
        }
        session.progress(step, "proving isolation");
        Ok((Some(prove(transport, roles).await?), retired))
    }
}

impl ApplyRoles<'_> {
    /// Bars the roles of removed apps from logging in, and with them a second login that a rotation may have left.
    async fn retire(&self, transport: &dyn SqlTransport) -> Result<Vec<RetiredRole>, DeployError> {
        let mut retired = Vec::new();
        for (app, role) in self.roles.retired() {
            self.session.progress(self.step, format!("barring role {role} of the removed app {app}"));
            close_second_login(transport, self.roles.database(), role).await?;
            let kept = disable_role(transport, self.roles.database(), role).await?;
            retired.push(RetiredRole { app_name: app.clone(), role: role.clone(), kept });
        }
        Ok(retired)
    }
}

/// Proves that the roles are isolated, and changes nothing.
pub(in crate::deploy) async fn prove_isolation(session: &Session, step: &Step) -> Result<IsolationReport, DeployError> {
    let roles = session.roles.clone().ok_or_else(|| DeployError::new(ErrorCode::Internal, "No app has a role"))?;
    reach(session, step, &ProveIsolation { session, step, roles }).await
}

struct ProveIsolation<'a> {
    session: &'a Session,
    step: &'a Step,
    roles: DatabaseRoles,
}

#[async_trait]
impl Work for ProveIsolation<'_> {
    type Output = IsolationReport;

    async fn run(&self, transport: &dyn SqlTransport) -> Result<IsolationReport, DeployError> {
        self.session.progress(self.step, "proving isolation");
        prove(transport, &self.roles).await
    }
}

/// Drops the roles and schemas of apps, with their data.
pub(super) async fn drop_roles(session: &Session, step: &Step, apps: &[String]) -> Result<Done, DeployError> {
    let database = session.postgres()?.database;
    let names = app_names(apps.iter().map(String::as_str), session.public_schema_app.as_deref())?;
    reach(session, step, &DropRoles { database, names }).await?;
    session
        .state
        .update(|state| {
            for app in apps {
                state.app_credentials.shift_remove(app);
                state.generated_secrets.shift_remove(app);
                state.deploy_native.rotations.remove(app);
            }
            state.deploy_native.database = None;
        })
        .await?;
    Ok(Done::Changed)
}

struct DropRoles {
    database: String,
    names: Vec<AppNames>,
}

#[async_trait]
impl Work for DropRoles {
    type Output = ();

    async fn run(&self, transport: &dyn SqlTransport) -> Result<(), DeployError> {
        for AppNames { user, schema, .. } in &self.names {
            drop_role(transport, &self.database, user, schema).await?;
        }
        Ok(())
    }
}

/// Closes a port that stands open to the world.
pub(super) async fn close_leftover(session: &Session, step: &Step) -> Result<Done, DeployError> {
    let service = session.postgres()?;
    session.progress(step, "closing the external port");
    let found = session.client.postgres().one(&service.id).await?;
    let port = found.open_port().and_then(|port| u16::try_from(port).ok());
    let target = target(session, &service);
    // Closing it restarts the database.
    initialised(&target, port).await;
    close(&target, port, Until::Serving).await?;
    Ok(Done::Changed)
}
