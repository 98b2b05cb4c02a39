//! Roles and schemas: applied through one way to the database, and proven isolated.

use crate::DeployError;
use crate::deploy::apply::Done;
use crate::deploy::port::{OpenPort, PortTarget, close};
use crate::deploy::session::{PostgresService, Session};
use crate::plan::Step;
use crate::postgres::{DatabaseRoles, IsolationReport, MasterLogin, PortTransport, SqlTransport, drop_roles as drop_all};
use crate::postgres::{prove, provision};
use crate::secrets::Secret;
use crate::{ErrorCode, state::State};
use std::time::Duration;

/// How long an opened port may take to become reachable: the database restarts.
const REACHABLE_LIMIT: Duration = Duration::from_secs(60);

/// Applies roles and schemas, and proves that they are isolated.
pub(super) async fn apply_roles(session: &Session, step: &Step) -> Result<Done, DeployError> {
    let Some(roles) = session.roles.clone() else { return Ok(Done::Nothing("no app needs a role".to_owned())) };
    let service = session.postgres()?;
    let report = with_database(session, step, &service, async |transport| apply(session, step, transport, &roles).await).await?;
    let fingerprint = roles.fingerprint();
    session.state.update(|state| state.deploy_native.database = Some(fingerprint)).await?;
    session.world().isolation = Some(report);
    Ok(Done::Changed)
}

async fn apply(
    session: &Session,
    step: &Step,
    transport: &dyn SqlTransport,
    roles: &DatabaseRoles,
) -> Result<IsolationReport, DeployError> {
    session.progress(step, "applying roles and schemas");
    provision(transport, roles).await?;
    session.progress(step, "proving isolation");
    prove(transport, roles).await
}

/// Drops the roles and schemas of apps, with their data.
pub(super) async fn drop_roles(session: &Session, step: &Step, apps: &[String]) -> Result<Done, DeployError> {
    let service = session.postgres()?;
    let state = session.state.snapshot();
    let roles: Vec<String> = apps
        .iter()
        .filter_map(|app| state.app_credentials.get(app).map(|credentials| credentials.db_user.clone()))
        .collect();
    with_database(session, step, &service, async |transport| drop_all(transport, &service.database, &roles).await).await?;
    session
        .state
        .update(|state| {
            for app in apps {
                state.app_credentials.shift_remove(app);
                state.generated_secrets.shift_remove(app);
            }
            state.deploy_native.database = None;
        })
        .await?;
    Ok(Done::Changed)
}

/// Does work in the database as its master; the way there is closed on every way out (I4).
async fn with_database<T>(
    session: &Session,
    step: &Step,
    service: &PostgresService,
    work: impl AsyncFnOnce(&dyn SqlTransport) -> Result<T, DeployError>,
) -> Result<T, DeployError> {
    let password = master_password(&session.state.snapshot())?;
    session.progress(step, "opening the external port");
    let now = (session.surroundings.now)();
    let entropy = session.surroundings.entropy.as_ref();
    let open =
        OpenPort::open(target(session, service), &step.id, &session.journal, &session.cleanup, now, entropy).await?;
    let login = MasterLogin {
        host: session.database_host.clone(),
        port: open.port(),
        user: service.user.clone(),
        password,
        database: service.database.clone(),
    };
    let result = async {
        session.progress(step, "waiting for the database");
        let transport = PortTransport::connect(login, REACHABLE_LIMIT).await?;
        work(&transport).await
    }
    .await;
    session.progress(step, "closing the external port");
    let closed = open.close().await;
    match (result, closed) {
        (Ok(value), Ok(())) => Ok(value),
        (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
        (Err(first), Err(second)) => Err(DeployError::join(vec![first, second])),
    }
}

fn target(session: &Session, service: &PostgresService) -> PortTarget {
    PortTarget {
        client: session.client.clone(),
        postgres_id: service.id.clone(),
        host: session.database_host.clone(),
        landing: session.surroundings.landing,
    }
}

fn master_password(state: &State) -> Result<Secret, DeployError> {
    state.deploy_native.passwords.postgres.clone().ok_or_else(|| {
        DeployError::new(ErrorCode::StateLost, "The master password of postgres is not known")
            .resource("postgres")
            .hint("Restore the state file from a backup")
    })
}

/// Closes a port that stands open to the world.
pub(super) async fn close_leftover(session: &Session, step: &Step) -> Result<Done, DeployError> {
    let service = session.postgres()?;
    session.progress(step, "closing the external port");
    let found = session.client.postgres().one(&service.id).await?;
    let port = found.open_port().and_then(|port| u16::try_from(port).ok());
    close(&target(session, &service), port).await?;
    Ok(Done::Changed)
}
