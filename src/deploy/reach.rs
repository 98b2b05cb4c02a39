//! Reaching the database: by the way that was chosen, and in `auto` by the other one where that fails as a way.

use super::initialise::initialised;
use super::inside::{Impasse, InsideTransport, Patience};
use super::port::{OpenPort, PortTarget};
use super::route::Route;
use super::session::{PostgresService, Session};
use crate::plan::{DatabaseRoute, Step};
use crate::postgres::{ConnectOptions, Login, PortTransport, SqlTransport};
use crate::secrets::Secret;
use crate::state::State;
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;

/// What is to be done in the database; harmless when it is done again.
#[async_trait]
pub(super) trait Work: Sync {
    /// What comes of it.
    type Output: Send;

    /// Does it.
    async fn run(&self, transport: &dyn SqlTransport) -> Result<Self::Output, DeployError>;
}

/// Does something in the database as its master, and tells the report which way was taken.
///
/// Dropped, what it opened or made is closed or deleted in the background (I4).
///
/// # Errors
///
/// What the work fails with, and that no way leads to the database.
pub(super) async fn reach<W: Work>(session: &Session, step: &Step, work: &W) -> Result<W::Output, DeployError> {
    let service = session.postgres()?;
    let password = master_password(&session.state.snapshot())?;
    let planned = session.database_route.clone();
    if planned.way == DatabaseRoute::ExternalPort {
        session.world().database_access = Some(planned);
        return by_port(session, step, &service, password, work).await;
    }
    let patience = patience(session, &planned);
    let inside = InsideTransport::new(session, step, &service, password.clone(), patience).await?;
    let result = match (work.run(&inside).await, inside.close().await) {
        (result, Ok(())) => result,
        (Ok(_), Err(error)) => Err(error),
        (Err(first), Err(second)) => Err(DeployError::join(vec![first, second])),
    };
    remember(session, &planned, &inside, result.is_ok()).await?;
    match (result, inside.impasse()) {
        (Err(_), Some(impasse)) if planned.falls_back => {
            let route = instead(session, &planned, impasse);
            session.world().database_access = Some(route);
            by_port(session, step, &service, password, work).await
        }
        (result, _) => {
            session.world().database_access = Some(planned);
            result
        }
    }
}

/// With another way left, half the time is enough.
fn patience(session: &Session, route: &Route) -> Patience {
    let share = if route.falls_back { 2 } else { 1 };
    let mut deployment = session.surroundings.wait.clone();
    deployment.deployment_deadline /= share;
    Patience { deployment, answer: session.surroundings.answer_deadline / share }
}

/// Keeps what was learned of the image, so that it is found out once.
async fn remember(
    session: &Session,
    route: &Route,
    inside: &InsideTransport<'_>,
    succeeded: bool,
) -> Result<(), DeployError> {
    let lacking = inside.impasse().is_some_and(|impasse| impasse.no_psql);
    let image = inside.image().to_owned();
    let known = session.state.snapshot().deploy_native.psql.get(&image).copied();
    let learned = match (succeeded, lacking) {
        (true, _) if route.known && known != Some(false) => return Ok(()),
        (true, _) => true,
        (false, true) => false,
        (false, false) => return Ok(()),
    };
    if known == Some(learned) || image.is_empty() {
        return Ok(());
    }
    let learn = |state: &mut State| {
        state.deploy_native.psql.insert(image, learned);
    };
    session.state.update(learn).await
}

/// Tells the user that the other way is taken, and why.
fn instead(session: &Session, planned: &Route, impasse: &Impasse) -> Route {
    let why = format!("from inside the server's network it could not be reached: {}", impasse.message);
    let message = format!("The database is reached through its external port, since {why}");
    session.warn("database-access", &message, None);
    Route { way: DatabaseRoute::ExternalPort, why: session.redactor.redact(&why), ..planned.clone() }
}

/// Does the work over the external port, which is closed whatever comes of it.
async fn by_port<W: Work>(
    session: &Session,
    step: &Step,
    service: &PostgresService,
    password: Secret,
    work: &W,
) -> Result<W::Output, DeployError> {
    let target = target(session, service);
    // Opening the port of one that was never deployed is what starts it.
    if !(service.new && session.opens_database) {
        session.progress(step, "waiting until the database has initialised");
        initialised(&target, None).await;
    }
    session.progress(step, "opening the external port");
    let now = (session.surroundings.now)();
    let entropy = session.surroundings.entropy.as_ref();
    let mut open = OpenPort::open(target, &step.id, &session.journal, &session.cleanup, now, entropy).await?;
    let login = Login { host: session.database_host.clone(), port: open.port(), user: service.user.clone(), password };
    let options = ConnectOptions { deadline: session.surroundings.database_deadline, ..ConnectOptions::default() };
    let transport = PortTransport::new(login, options);
    session.progress(step, "waiting for the database");
    let result = match transport.wait_until_reachable(&service.database).await {
        Ok(()) => {
            open.reached();
            work.run(&transport).await
        }
        Err(error) => Err(error),
    };
    session.progress(step, "closing the external port");
    drop(transport);
    match (result, open.close().await) {
        (Ok(value), Ok(())) => Ok(value),
        (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
        (Err(first), Err(second)) => Err(DeployError::join(vec![first, second])),
    }
}

/// The database whose port is opened and closed.
pub(super) fn target(session: &Session, service: &PostgresService) -> PortTarget {
    PortTarget {
        client: session.client.clone(),
        postgres_id: service.id.clone(),
        host: session.database_host.clone(),
        landing: session.surroundings.landing,
        starting: session.surroundings.database_deadline,
        now: session.surroundings.now,
    }
}

fn master_password(state: &State) -> Result<Secret, DeployError> {
    state.deploy_native.passwords.postgres.clone().ok_or_else(|| {
        DeployError::new(ErrorCode::StateLost, "The master password of postgres is not known")
            .resource("postgres")
            .hint("Restore the state file from a backup")
    })
}
