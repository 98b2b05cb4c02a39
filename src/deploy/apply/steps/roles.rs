//! Roles and schemas: applied through one way to the database, and proven isolated.

use crate::DeployError;
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::apply::resources::RolesApplied;
use crate::deploy::changes::StepContext;
use crate::deploy::context::{POSTGRES_NAME, PostgresService};
use crate::deploy::database_access::{DatabaseAccess, DatabaseTarget, DatabaseWork, Until};
use crate::deploy::report::RetiredRole;
use crate::postgres::{
    AppNames, DatabaseRoles, SqlTransport, app_names, close_second_login, disable_role, drop_role, prove, provision,
};
use crate::state::{Intent, ResourceKind};
use async_trait::async_trait;

/// Applies roles and schemas, and proves that they are isolated; makes known what came of it.
pub(super) async fn apply(
    cx: &StepContext<'_>,
    access: &DatabaseAccess,
    roles: &DatabaseRoles,
    target: &DatabaseTarget,
) -> Result<StepOutcome<RolesApplied>, DeployError> {
    let change = async {
        let applied = access.run(cx, target, &ApplyRoles { cx, roles }).await?;
        cx.state
            .update(|state| {
                state.deploy_native.database = Some(roles.fingerprint());
                for app in roles.retired().keys() {
                    state.deploy_native.rotations.remove(app);
                }
            })
            .await?;
        Ok::<_, DeployError>(applied)
    };
    let (resource, name) = (ResourceKind::Role, POSTGRES_NAME.to_owned());
    let applied = cx.journaled(Intent::Update { resource, name, id: target.service.id.clone() }, change).await?;
    Ok(StepOutcome::Changed(applied))
}

struct ApplyRoles<'a> {
    cx: &'a StepContext<'a>,
    roles: &'a DatabaseRoles,
}

#[async_trait]
impl DatabaseWork for ApplyRoles<'_> {
    type Output = RolesApplied;

    async fn run(&self, transport: &dyn SqlTransport) -> Result<RolesApplied, DeployError> {
        let Self { cx, roles } = self;
        let any = !roles.apps().is_empty();
        if any {
            cx.progress("applying roles and schemas");
            provision(transport, roles).await?;
        }
        let retired = self.retire(transport).await?;
        if !any {
            return Ok(RolesApplied { isolation: None, retired });
        }
        cx.progress("proving isolation");
        Ok(RolesApplied { isolation: Some(prove(transport, roles).await?), retired })
    }
}

impl ApplyRoles<'_> {
    /// Bars the roles of removed apps from logging in, and with them a second login that a rotation may have left.
    async fn retire(&self, transport: &dyn SqlTransport) -> Result<Vec<RetiredRole>, DeployError> {
        let mut retired = Vec::new();
        for (app, role) in self.roles.retired() {
            self.cx.progress(format!("barring role {role} of the removed app {app}"));
            close_second_login(transport, self.roles.database(), role).await?;
            let kept = disable_role(transport, self.roles.database(), role).await?;
            retired.push(RetiredRole { app_name: app.clone(), role: role.clone(), kept });
        }
        Ok(retired)
    }
}

/// Proves that the roles are isolated, and changes nothing; makes the proof known.
pub(super) async fn prove_isolation(
    cx: &StepContext<'_>,
    access: &DatabaseAccess,
    roles: &DatabaseRoles,
    target: &DatabaseTarget,
) -> Result<StepOutcome<RolesApplied>, DeployError> {
    let value = access.run(cx, target, &ProveIsolation { cx, roles }).await?;
    Ok(StepOutcome::Unchanged { value, reason: "their isolation is proven".to_owned() })
}

struct ProveIsolation<'a> {
    cx: &'a StepContext<'a>,
    roles: &'a DatabaseRoles,
}

#[async_trait]
impl DatabaseWork for ProveIsolation<'_> {
    type Output = RolesApplied;

    async fn run(&self, transport: &dyn SqlTransport) -> Result<RolesApplied, DeployError> {
        self.cx.progress("proving isolation");
        Ok(RolesApplied { isolation: Some(prove(transport, self.roles).await?), retired: Vec::new() })
    }
}

/// Drops the roles and schemas of apps, with their data.
pub(super) async fn drop_roles(
    cx: &StepContext<'_>,
    access: &DatabaseAccess,
    apps: &[String],
    public_schema_app: Option<&str>,
    target: &DatabaseTarget,
) -> Result<StepOutcome, DeployError> {
    let names = app_names(apps.iter().map(String::as_str), public_schema_app)?;
    let work = DropRoles { database: target.service.database.clone(), names };
    let change = async {
        access.run(cx, target, &work).await?;
        cx.state
            .update(|state| {
                for app in apps {
                    state.app_credentials.shift_remove(app);
                    state.generated_secrets.shift_remove(app);
                    state.deploy_native.rotations.remove(app);
                }
                state.deploy_native.database = None;
            })
            .await
    };
    let (resource, name) = (ResourceKind::Role, apps.join(", "));
    cx.journaled(Intent::Delete { resource, name, id: target.service.id.clone() }, change).await?;
    Ok(StepOutcome::Changed(()))
}

struct DropRoles {
    database: String,
    names: Vec<AppNames>,
}

#[async_trait]
impl DatabaseWork for DropRoles {
    type Output = ();

    async fn run(&self, transport: &dyn SqlTransport) -> Result<(), DeployError> {
        for AppNames { user, schema, .. } in &self.names {
            drop_role(transport, &self.database, user, schema).await?;
        }
        Ok(())
    }
}

/// Closes a port that stands open to the world.
pub(super) async fn close_port(
    cx: &StepContext<'_>,
    access: &DatabaseAccess,
    service: &PostgresService,
) -> Result<StepOutcome, DeployError> {
    let change = async {
        cx.progress("closing the external port");
        let found = cx.client.postgres().one(&service.id).await?;
        let port = found.open_port().and_then(|port| u16::try_from(port).ok());
        let target = access.port_target(cx, service);
        // Closing it restarts the database.
        target.wait_until_initialised(port).await;
        target.close(port, Until::Serving).await
    };
    let (resource, name) = (ResourceKind::Postgres, POSTGRES_NAME.to_owned());
    cx.journaled(Intent::Update { resource, name, id: service.id.clone() }, change).await?;
    Ok(StepOutcome::Changed(()))
}
