//! Reaching the database: by the way that was chosen, and in `auto` by the other one where that fails as a way.

use super::connection::{DatabaseWork, work_over};
use super::external_port::{ExternalPortConnection, PortTarget};
use super::internal::{InternalConnection, InternalLimits, WayFailure};
use super::route::Route;
use super::target::DatabaseTarget;
use crate::deploy::changes::StepContext;
use crate::deploy::context::PostgresService;
use crate::plan::DatabaseRoute;
use crate::secrets::Secret;
use crate::state::State;
use crate::{DeployError, ErrorCode};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a run reaches the database.
pub(crate) struct DatabaseAccess {
    route: Route,
    /// Where an opened port is reached.
    host: String,
    /// The image of a database that this run makes.
    image: Option<String>,
    /// Whether this run opens the port of a new database, which deploys it as well.
    deploys_by_opening: bool,
    taken: Mutex<Option<Route>>,
}

impl DatabaseAccess {
    /// Takes `route`; an opened port is reached at `host`. `image` is that of a database that the run makes.
    pub(crate) const fn new(route: Route, host: String, image: Option<String>, deploys_by_opening: bool) -> Self {
        Self { route, host, image, deploys_by_opening, taken: Mutex::new(None) }
    }

    /// Whether this run opens the port of a new database, which deploys it as well.
    pub(crate) const fn deploys_by_opening(&self) -> bool {
        self.deploys_by_opening
    }

    /// The way that was taken last; none when the database was not reached for.
    pub(crate) fn taken(&self) -> Option<Route> {
        self.slot().clone()
    }

    /// The service as its port is opened and closed.
    pub(crate) fn port_target(&self, cx: &StepContext<'_>, service: &PostgresService) -> PortTarget {
        PortTarget::new(&cx.client, &service.id, &self.host, &cx.surroundings)
    }

    /// Does something in the database as its master.
    ///
    /// Dropped, what it opened or made is closed or deleted in the background (I4).
    ///
    /// # Errors
    ///
    /// What the work fails with, and that no way leads to the database.
    pub(crate) async fn run<W: DatabaseWork>(
        &self,
        cx: &StepContext<'_>,
        target: &DatabaseTarget,
        work: &W,
    ) -> Result<W::Output, DeployError> {
        let password = master_password(&cx.state.snapshot())?;
        self.take(self.route.clone());
        if self.route.way == DatabaseRoute::ExternalPort {
            return self.by_port(cx, &target.service, password, work).await;
        }
        match self.by_internal(cx, target, password.clone(), work).await? {
            Ok(value) => Ok(value),
            Err((_, Some(failure))) if self.route.falls_back => {
                self.take(self.fall_back(cx, &failure));
                self.by_port(cx, &target.service, password, work).await
            }
            Err((error, _)) => Err(error),
        }
    }

    /// Does the work from inside the server's network. The inner error says why the way failed, where it was the way.
    async fn by_internal<W: DatabaseWork>(
        &self,
        cx: &StepContext<'_>,
        target: &DatabaseTarget,
        password: Secret,
        work: &W,
    ) -> Result<Result<W::Output, (DeployError, Option<WayFailure>)>, DeployError> {
        let limits = InternalLimits::of(&cx.surroundings, self.route.falls_back);
        let new_image = self.image.as_deref().filter(|_| target.service.new);
        let image = match new_image {
            // The server has just been told.
            Some(image) => image.to_owned(),
            None => self.stored_image(cx, &target.service).await?,
        };
        let connection = InternalConnection::new(*cx, target.clone(), image, password, limits);
        let way = connection.way();
        let result = work_over(connection, work).await;
        self.learn(cx, way.image(), result.is_ok(), way.failure()).await?;
        Ok(result.map_err(|error| (error, way.failure().cloned())))
    }

    async fn stored_image(&self, cx: &StepContext<'_>, service: &PostgresService) -> Result<String, DeployError> {
        let stored = cx.client.postgres().one(&service.id).await?.docker_image;
        Ok(stored.or_else(|| self.image.clone()).unwrap_or_default())
    }

    /// Keeps what was learned of the image, so that it is found out once.
    async fn learn(
        &self,
        cx: &StepContext<'_>,
        image: &str,
        succeeded: bool,
        failure: Option<&WayFailure>,
    ) -> Result<(), DeployError> {
        let lacks_psql = failure.is_some_and(|failure| failure.no_psql);
        let known = cx.state.snapshot().deploy_native.psql.get(image).copied();
        let learned = match (succeeded, lacks_psql) {
            (true, _) if self.route.known && known != Some(false) => return Ok(()),
            (true, _) => true,
            (false, true) => false,
            (false, false) => return Ok(()),
        };
        if known == Some(learned) || image.is_empty() {
            return Ok(());
        }
        let keep = |state: &mut State| {
            state.deploy_native.psql.insert(image.to_owned(), learned);
        };
        cx.state.update(keep).await
    }

    /// Tells the user that the other way is taken, and why.
    fn fall_back(&self, cx: &StepContext<'_>, failure: &WayFailure) -> Route {
        let why = format!("from inside the server's network it could not be reached: {}", failure.message);
        let message = format!("The database is reached through its external port, since {why}");
        cx.reporter.warn("database-access", &message, None);
        Route { way: DatabaseRoute::ExternalPort, why: cx.reporter.redact(&why), ..self.route.clone() }
    }

    /// Does the work over the external port.
    async fn by_port<W: DatabaseWork>(
        &self,
        cx: &StepContext<'_>,
        service: &PostgresService,
        password: Secret,
        work: &W,
    ) -> Result<W::Output, DeployError> {
        let target = self.port_target(cx, service);
        // Opening the port of one that was never deployed is what starts it.
        if !(service.new && self.deploys_by_opening) {
            cx.progress("waiting until the database has initialised");
            target.wait_until_initialised(None).await;
        }
        let connection = ExternalPortConnection::open(*cx, target, service, password).await?;
        work_over(connection, work).await
    }

    fn take(&self, route: Route) {
        *self.slot() = Some(route);
    }

    fn slot(&self) -> MutexGuard<'_, Option<Route>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn master_password(state: &State) -> Result<Secret, DeployError> {
    state.deploy_native.passwords.postgres.clone().ok_or_else(|| {
        DeployError::new(ErrorCode::StateLost, "The master password of postgres is not known")
            .resource("postgres")
            .hint("Restore the state file from a backup")
    })
}
