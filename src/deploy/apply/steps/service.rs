//! Postgres and Redis: their passwords are durable before they are sent (I2).

use super::service_deployment::{came_up, deployed, marked, password};
use crate::DeployError;
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::changes::StepContext;
use crate::deploy::context::{POSTGRES_NAME, PostgresService, REDIS_NAME, RedisService};
use crate::deploy::database_access::DatabaseAccess;
use crate::dokploy::{CreatePostgres, CreateRedis, MarkKind};
use crate::plan::{DesiredPostgres, DesiredRedis};
use crate::state::{Intent, ResourceKind};

/// What became of a service that was made before.
const CAME_UP: &str = "it came up meanwhile";

/// Creates Postgres where it is missing, and deploys it; makes the service known.
pub(super) async fn postgres(
    cx: &StepContext<'_>,
    desired: &DesiredPostgres,
    base_name: Option<&str>,
    access: &DatabaseAccess,
    existing: Option<PostgresService>,
    environment: &str,
) -> Result<StepOutcome<PostgresService>, DeployError> {
    let service = match existing {
        Some(service) => {
            let ask = || async { Ok(cx.client.postgres().one(&service.id).await?.application_status) };
            if came_up(cx, ask, &service.app_name).await? {
                return Ok(StepOutcome::Unchanged { value: service, reason: CAME_UP.to_owned() });
            }
            access.port_target(cx, &service).wait_until_initialised(None).await;
            service
        }
        None => create_postgres(cx, desired, base_name, environment).await?,
    };
    if access.deploys_by_opening() {
        // Opening the port deploys the database. Two deployments in a row would stop the first while it initialises its
        // volume, and leave one that never starts again.
        return Ok(StepOutcome::Changed(service));
    }
    cx.progress("starting");
    let starting = deployed(
        || cx.client.postgres().deploy(&service.id),
        || async { Ok(cx.client.postgres().one(&service.id).await?.application_status) },
        cx.surroundings.client.long_timeout,
        "postgres",
    );
    let (resource, name, id) = (ResourceKind::Postgres, POSTGRES_NAME.to_owned(), service.id.clone());
    cx.journaled(Intent::Update { resource, name, id }, starting).await?;
    Ok(StepOutcome::Changed(service))
}

async fn create_postgres(
    cx: &StepContext<'_>,
    desired: &DesiredPostgres,
    base_name: Option<&str>,
    environment: &str,
) -> Result<PostgresService, DeployError> {
    let password = password(cx, |state| &mut state.deploy_native.passwords.postgres).await?;
    let mark = cx.marks.of(MarkKind::Postgres, POSTGRES_NAME);
    let description = mark.put_into("Database");
    let create = CreatePostgres {
        name: POSTGRES_NAME,
        environment_id: environment,
        database_name: &desired.database,
        database_user: &desired.user,
        database_password: &password,
        app_name: base_name,
        docker_image: Some(&desired.image),
        description: Some(&description),
    };
    let send = || cx.client.postgres().create(&create);
    let find = || async {
        let listed = cx.client.environment().one(environment).await?.postgres;
        match marked(&listed, POSTGRES_NAME, &mark) {
            Some(id) => Ok(Some(cx.client.postgres().one(&id).await?)),
            None => Ok(None),
        }
    };
    let (resource, name) = (ResourceKind::Postgres, POSTGRES_NAME.to_owned());
    let made = cx.create_once(Intent::Create { resource, name, mark: mark.format() }, send, find).await?;
    cx.state
        .update(|state| {
            state.services.postgres_id = Some(made.postgres_id.clone());
            // A new database knows none of the roles of a former one.
            state.deploy_native.database = None;
        })
        .await?;
    Ok(PostgresService {
        id: made.postgres_id,
        app_name: made.app_name,
        database: made.database_name,
        user: made.database_user,
        new: true,
    })
}

/// Creates Redis where it is missing, and deploys it; makes the service known.
pub(super) async fn redis(
    cx: &StepContext<'_>,
    desired: &DesiredRedis,
    base_name: Option<&str>,
    existing: Option<RedisService>,
    environment: &str,
) -> Result<StepOutcome<RedisService>, DeployError> {
    let service = match existing {
        Some(service) => {
            let ask = || async { Ok(cx.client.redis().one(&service.id).await?.application_status) };
            if came_up(cx, ask, &service.app_name).await? {
                return Ok(StepOutcome::Unchanged { value: service, reason: CAME_UP.to_owned() });
            }
            service
        }
        None => create_redis(cx, &desired.image, base_name, environment).await?,
    };
    cx.progress("starting");
    let starting = deployed(
        || cx.client.redis().deploy(&service.id),
        || async { Ok(cx.client.redis().one(&service.id).await?.application_status) },
        cx.surroundings.client.long_timeout,
        "redis",
    );
    let (resource, name, id) = (ResourceKind::Redis, REDIS_NAME.to_owned(), service.id.clone());
    cx.journaled(Intent::Update { resource, name, id }, starting).await?;
    Ok(StepOutcome::Changed(service))
}

async fn create_redis(
    cx: &StepContext<'_>,
    image: &str,
    base_name: Option<&str>,
    environment: &str,
) -> Result<RedisService, DeployError> {
    let password = password(cx, |state| &mut state.deploy_native.passwords.redis).await?;
    let mark = cx.marks.of(MarkKind::Redis, REDIS_NAME);
    let description = mark.put_into("Cache");
    let create = CreateRedis {
        name: REDIS_NAME,
        environment_id: environment,
        database_password: &password,
        app_name: base_name,
        docker_image: Some(image),
        description: Some(&description),
    };
    let send = || cx.client.redis().create(&create);
    let find = || async {
        let listed = cx.client.environment().one(environment).await?.redis;
        match marked(&listed, REDIS_NAME, &mark) {
            Some(id) => Ok(Some(cx.client.redis().one(&id).await?)),
            None => Ok(None),
        }
    };
    let (resource, name) = (ResourceKind::Redis, REDIS_NAME.to_owned());
    let made = cx.create_once(Intent::Create { resource, name, mark: mark.format() }, send, find).await?;
    cx.state.update(|state| state.services.redis_id = Some(made.redis_id.clone())).await?;
    Ok(RedisService { id: made.redis_id, app_name: made.app_name })
}
