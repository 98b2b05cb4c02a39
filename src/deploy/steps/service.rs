//! Postgres and Redis: their passwords are durable before they are sent (I2).

use crate::deploy::apply::Done;
use crate::deploy::create::create_once;
use crate::deploy::initialise::initialised;
use crate::deploy::observe::{POSTGRES_NAME, REDIS_NAME, runs};
use crate::deploy::reach::target;
use crate::deploy::session::{PostgresService, Session};
use crate::dokploy::{ApiError, CreatePostgres, CreateRedis, Mark, MarkKind, ServiceEntry, ServiceStatus};
use crate::plan::Step;
use crate::secrets::{Secret, generate_password};
use crate::state::{Intent, ResourceKind, State};
use crate::{DeployError, ErrorCode};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often such a deployment is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Creates Postgres where it is missing, and deploys it.
pub(super) async fn postgres(session: &Session, step: &Step) -> Result<Done, DeployError> {
    let Some(desired) = session.desired.postgres.clone() else { return Ok(Done::Nothing("not declared".to_owned())) };
    let known = session.world().postgres.clone();
    let service = match known {
        Some(service) => {
            let ask = || async { Ok(session.client.postgres().one(&service.id).await?.application_status) };
            if came_up(session, step, ask, &service.app_name).await? {
                return Ok(Done::Nothing("it came up meanwhile".to_owned()));
            }
            initialised(&target(session, &service), None).await;
            service
        }
        None => create_postgres(session, step, &desired).await?,
    };
    if session.opens_database {
        // Opening the port deploys the database. Two deployments in a row would stop the first while it initialises its
        // volume, and leave one that never starts again.
        return Ok(Done::Changed);
    }
    session.progress(step, "starting");
    let starting = deployed(
        || session.client.postgres().deploy(&service.id),
        || async { Ok(session.client.postgres().one(&service.id).await?.application_status) },
        session.surroundings.client.long_timeout,
        "postgres",
    );
    let (resource, name, id) = (ResourceKind::Postgres, POSTGRES_NAME.to_owned(), service.id.clone());
    session.journaled(step, Intent::Update { resource, name, id }, starting).await?;
    Ok(Done::Changed)
}

async fn create_postgres(
    session: &Session,
    step: &Step,
    desired: &crate::plan::DesiredPostgres,
) -> Result<PostgresService, DeployError> {
    let environment = session.environment()?;
    let password = password(session, |state| &mut state.deploy_native.passwords.postgres).await?;
    let mark = session.scope().mark(MarkKind::Postgres, POSTGRES_NAME);
    let description = mark.put_into("Database");
    let create = CreatePostgres {
        name: POSTGRES_NAME,
        environment_id: &environment,
        database_name: &desired.database,
        database_user: &desired.user,
        database_password: &password,
        app_name: session.base_name(POSTGRES_NAME),
        docker_image: Some(&desired.image),
        description: Some(&description),
    };
    let send = || session.client.postgres().create(&create);
    let find = || async {
        let listed = session.client.environment().one(&environment).await?.postgres;
        match marked(&listed, POSTGRES_NAME, &mark) {
            Some(id) => Ok(Some(session.client.postgres().one(&id).await?)),
            None => Ok(None),
        }
    };
    let intent =
        Intent::Create { resource: ResourceKind::Postgres, name: POSTGRES_NAME.to_owned(), mark: mark.format() };
    let made = create_once(&session.journal, &step.id, intent, session.surroundings.landing, send, find).await?;
    let service = PostgresService {
        id: made.postgres_id.clone(),
        app_name: made.app_name,
        database: made.database_name,
        user: made.database_user,
        new: true,
    };
    session.world().postgres = Some(service.clone());
    session
        .state
        .update(|state| {
            state.services.postgres_id = Some(made.postgres_id);
            // A new database knows none of the roles of a former one.
            state.deploy_native.database = None;
        })
        .await?;
    Ok(service)
}

/// Creates Redis where it is missing, and deploys it.
pub(super) async fn redis(session: &Session, step: &Step) -> Result<Done, DeployError> {
    let Some(desired) = session.desired.redis.clone() else { return Ok(Done::Nothing("not declared".to_owned())) };
    let known = session.world().redis.clone();
    let (id, _) = match known {
        Some((id, app_name)) => {
            let ask = || async { Ok(session.client.redis().one(&id).await?.application_status) };
            if came_up(session, step, ask, &app_name).await? {
                return Ok(Done::Nothing("it came up meanwhile".to_owned()));
            }
            (id, app_name)
        }
        None => create_redis(session, step, &desired.image).await?,
    };
    session.progress(step, "starting");
    let starting = deployed(
        || session.client.redis().deploy(&id),
        || async { Ok(session.client.redis().one(&id).await?.application_status) },
        session.surroundings.client.long_timeout,
        "redis",
    );
    let (resource, name) = (ResourceKind::Redis, REDIS_NAME.to_owned());
    session.journaled(step, Intent::Update { resource, name, id: id.clone() }, starting).await?;
    Ok(Done::Changed)
}

async fn create_redis(session: &Session, step: &Step, image: &str) -> Result<(String, String), DeployError> {
    let environment = session.environment()?;
    let password = password(session, |state| &mut state.deploy_native.passwords.redis).await?;
    let mark = session.scope().mark(MarkKind::Redis, REDIS_NAME);
    let description = mark.put_into("Cache");
    let create = CreateRedis {
        name: REDIS_NAME,
        environment_id: &environment,
        database_password: &password,
        app_name: session.base_name(REDIS_NAME),
        docker_image: Some(image),
        description: Some(&description),
    };
    let send = || session.client.redis().create(&create);
    let find = || async {
        let listed = session.client.environment().one(&environment).await?.redis;
        match marked(&listed, REDIS_NAME, &mark) {
            Some(id) => Ok(Some(session.client.redis().one(&id).await?)),
            None => Ok(None),
        }
    };
    let intent = Intent::Create { resource: ResourceKind::Redis, name: REDIS_NAME.to_owned(), mark: mark.format() };
    let made = create_once(&session.journal, &step.id, intent, session.surroundings.landing, send, find).await?;
    let service = (made.redis_id, made.app_name);
    session.world().redis = Some(service.clone());
    session.state.update(|state| state.services.redis_id = Some(service.0.clone())).await?;
    Ok(service)
}

/// The service's password: the one in the state, else a new one that is durable when this returns.
async fn password(
    session: &Session,
    place: impl Fn(&mut State) -> &mut Option<Secret> + Send + Sync,
) -> Result<Secret, DeployError> {
    let fresh = generate_password(session.surroundings.entropy.as_ref());
    let chosen = session.state.update(|state| place(state).get_or_insert(fresh).clone()).await?;
    session.redactor.add(&chosen);
    Ok(chosen)
}

fn marked(entries: &[ServiceEntry], name: &str, mark: &Mark) -> Option<String> {
    let ours = |entry: &&ServiceEntry| {
        entry.name == name && entry.description.as_deref().and_then(Mark::parse).as_ref() == Some(mark)
    };
    entries.iter().find(ours).map(|entry| entry.id.clone())
}

/// Whether a service that was made before runs by now: waits until a deployment that is under way is over, for as long as
/// the server may pull an image, and then looks.
///
/// A deployment beside another one, and of what runs, restarts the service: a young database never starts again after
/// that, and Redis loses what it holds (facts: External port).
async fn came_up<Asked>(
    session: &Session,
    step: &Step,
    ask: impl Fn() -> Asked,
    app_name: &str,
) -> Result<bool, DeployError>
where
    Asked: Future<Output = Result<ServiceStatus, DeployError>>,
{
    let deadline = Instant::now() + session.surroundings.client.long_timeout;
    let mut status = ask().await?;
    if status == ServiceStatus::Running {
        session.progress(step, "waiting for a deployment that is under way");
    }
    while status == ServiceStatus::Running && Instant::now() < deadline {
        sleep(LOOK_EVERY.min(session.surroundings.landing)).await;
        status = ask().await?;
    }
    Ok(status == ServiceStatus::Done || runs(&session.client, app_name).await?)
}

/// Deploys a database; when the answer is lost, looks for up to `limit`, since the server may pull an image, until it
/// says that it is over.
async fn deployed<Sent, Asked>(
    send: impl Fn() -> Sent,
    ask: impl Fn() -> Asked,
    limit: Duration,
    kind: &str,
) -> Result<(), DeployError>
where
    Sent: Future<Output = Result<(), ApiError>>,
    Asked: Future<Output = Result<ServiceStatus, DeployError>>,
{
    let failed = |error: Option<ApiError>| {
        let said = error.map_or_else(|| "its status is error".to_owned(), |error| error.to_string());
        DeployError::new(ErrorCode::DeploymentFailed, format!("{kind} could not be deployed: {said}"))
            .resource(kind)
            .reason("service-failed")
            .hint("Look at the service in Dokploy: often its image cannot be pulled")
    };
    let lost = match send().await {
        Ok(()) => return if ask().await? == ServiceStatus::Error { Err(failed(None)) } else { Ok(()) },
        Err(error) if error.outcome_unknown() => error,
        Err(error) => return Err(error.into()),
    };
    let deadline = Instant::now() + limit;
    let mut idle = 0_u32;
    while Instant::now() < deadline {
        match ask().await? {
            ServiceStatus::Done => return Ok(()),
            ServiceStatus::Error => return Err(failed(Some(lost))),
            ServiceStatus::Running => {}
            // The request never arrived.
            ServiceStatus::Idle | ServiceStatus::Unknown if idle >= 3 => return Ok(send().await?),
            ServiceStatus::Idle | ServiceStatus::Unknown => idle += 1,
        }
        sleep(LOOK_EVERY).await;
    }
    Err(failed(Some(lost)))
}
