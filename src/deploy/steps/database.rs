//! Roles and schemas: applied through one way to the database, and proven isolated.

use crate::DeployError;
use crate::deploy::apply::Done;
use crate::deploy::inside::InsideTransport;
use crate::deploy::port::{OpenPort, PortTarget, close};
use crate::deploy::report::RetiredRole;
use crate::deploy::session::{PostgresService, Session};
use crate::dokploy::ServiceStatus;
use crate::plan::{DatabaseRoute, Step};
use crate::postgres::{
    AppNames, ConnectOptions, DatabaseRoles, IsolationReport, Login, PortTransport, SqlTransport, app_names,
    close_second_login, disable_role, drop_role, prove, provision,
};
use crate::secrets::Secret;
use crate::{ErrorCode, state::State};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep};

/// A database that is older than this has long initialised its volume, whatever its log still says.
const INITIALISING: time::Duration = time::Duration::minutes(3);
/// What the official images log when their volume is initialised.
const INITIALISED: [&str; 2] = ["PostgreSQL init process complete", "Skipping initialization"];
/// How often the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Applies roles and schemas, and proves that they are isolated.
pub(super) async fn apply_roles(session: &Session, step: &Step) -> Result<Done, DeployError> {
    let Some(roles) = session.roles.clone() else { return Ok(Done::Nothing("no app needs a role".to_owned())) };
    let service = session.postgres()?;
    let way = Way::open(session, step, &service).await?;
    let work = async {
        way.ready(session, step, &service).await?;
        apply(session, step, way.transport(), &roles).await
    };
    let result = work.await;
    let (report, retired) = way.close(session, step, result).await?;
    let fingerprint = roles.fingerprint();
    session
        .state
        .update(|state| {
            state.deploy_native.database = Some(fingerprint);
            for app in roles.retired().keys() {
                state.deploy_native.rotations.remove(app);
            }
        })
        .await?;
    let mut world = session.world();
    (world.isolation, world.retired) = (report, retired);
    Ok(Done::Changed)
}

async fn apply(
    session: &Session,
    step: &Step,
    transport: &dyn SqlTransport,
    roles: &DatabaseRoles,
) -> Result<(Option<IsolationReport>, Vec<RetiredRole>), DeployError> {
    if !roles.apps().is_empty() {
        session.progress(step, "applying roles and schemas");
        provision(transport, roles).await?;
    }
    let retired = retire(session, step, transport, roles).await?;
    if roles.apps().is_empty() {
        return Ok((None, retired));
    }
    session.progress(step, "proving isolation");
    Ok((Some(prove(transport, roles).await?), retired))
}

/// Bars the roles of removed apps from logging in, and with them a second login that a rotation may have left.
async fn retire(
    session: &Session,
    step: &Step,
    transport: &dyn SqlTransport,
    roles: &DatabaseRoles,
) -> Result<Vec<RetiredRole>, DeployError> {
    let mut retired = Vec::new();
    for (app, role) in roles.retired() {
        session.progress(step, format!("barring role {role} of the removed app {app}"));
        close_second_login(transport, roles.database(), role).await?;
        let kept = disable_role(transport, roles.database(), role).await?;
        retired.push(RetiredRole { app_name: app.clone(), role: role.clone(), kept });
    }
    Ok(retired)
}

/// Drops the roles and schemas of apps, with their data.
pub(super) async fn drop_roles(session: &Session, step: &Step, apps: &[String]) -> Result<Done, DeployError> {
    let service = session.postgres()?;
    let names = app_names(apps.iter().map(String::as_str), session.public_schema_app.as_deref())?;
    let way = Way::open(session, step, &service).await?;
    let work = async {
        way.ready(session, step, &service).await?;
        for AppNames { user, schema, .. } in &names {
            drop_role(way.transport(), &service.database, user, schema).await?;
        }
        Ok(())
    };
    let result = work.await;
    way.close(session, step, result).await?;
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

/// A way into the database; dropped, what it opened or made is closed or deleted in the background (I4).
pub(super) enum Way<'a> {
    /// Its external port, which is open.
    Port(Box<OpenPort>, Box<PortTransport>),
    /// Applications of ours on the server's network.
    Inside(InsideTransport<'a>),
}

impl<'a> Way<'a> {
    /// Opens the way into the database that this run takes, as its master.
    pub(super) async fn open(
        session: &'a Session,
        step: &'a Step,
        service: &PostgresService,
    ) -> Result<Self, DeployError> {
        let password = master_password(&session.state.snapshot())?;
        match session.database_route {
            DatabaseRoute::Internal => Ok(Self::Inside(InsideTransport::new(session, step, service, password).await?)),
            DatabaseRoute::ExternalPort => Self::open_port(session, step, service, password).await,
        }
    }

    async fn open_port(
        session: &Session,
        step: &Step,
        service: &PostgresService,
        password: Secret,
    ) -> Result<Self, DeployError> {
        initialised(session, step, service).await?;
        session.progress(step, "opening the external port");
        let now = (session.surroundings.now)();
        let entropy = session.surroundings.entropy.as_ref();
        let target = target(session, service);
        let open = OpenPort::open(target, &step.id, &session.journal, &session.cleanup, now, entropy).await?;
        let host = session.database_host.clone();
        let login = Login { host, port: open.port(), user: service.user.clone(), password };
        let options = ConnectOptions { deadline: session.surroundings.database_deadline, ..ConnectOptions::default() };
        Ok(Self::Port(Box::new(open), Box::new(PortTransport::new(login, options))))
    }

    pub(super) fn transport(&self) -> &dyn SqlTransport {
        match self {
            Self::Port(_, transport) => transport.as_ref(),
            Self::Inside(transport) => transport,
        }
    }

    /// Waits until the database answers; from inside, each script does that itself.
    pub(super) async fn ready(
        &self,
        session: &Session,
        step: &Step,
        service: &PostgresService,
    ) -> Result<(), DeployError> {
        let Self::Port(_, transport) = self else { return Ok(()) };
        session.progress(step, "waiting for the database");
        transport.wait_until_reachable(&service.database).await
    }

    /// Closes the way whatever came of the work.
    pub(super) async fn close<T>(
        self,
        session: &Session,
        step: &Step,
        result: Result<T, DeployError>,
    ) -> Result<T, DeployError> {
        let Self::Port(open, transport) = self else { return result };
        session.progress(step, "closing the external port");
        drop(transport);
        match (result, open.close().await) {
            (Ok(value), Ok(())) => Ok(value),
            (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
            (Err(first), Err(second)) => Err(DeployError::join(vec![first, second])),
        }
    }
}

/// Waits until a young database has initialised its volume: opening the port restarts it, and one that is stopped in the
/// middle of that never starts again.
async fn initialised(session: &Session, step: &Step, service: &PostgresService) -> Result<(), DeployError> {
    let record = session.client.postgres().one(&service.id).await?;
    let now = (session.surroundings.now)();
    let made = OffsetDateTime::parse(&record.created_at, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    if record.application_status != ServiceStatus::Done || now - made > INITIALISING {
        return Ok(());
    }
    session.progress(step, "waiting until the database has initialised");
    let deadline = Instant::now() + session.surroundings.landing * 3;
    while Instant::now() < deadline {
        let log = session.client.postgres().read_logs(&service.id, 200).await?;
        if INITIALISED.iter().any(|sign| log.expose().contains(sign)) {
            return Ok(());
        }
        sleep(LOOK_EVERY.min(session.surroundings.landing)).await;
    }
    Ok(())
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
