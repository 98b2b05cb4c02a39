//! What the steps of one run share: clients, state, journal, and what was learned so far.

use super::apply::{Done, Executor};
use super::observe::Scope;
use super::options::Surroundings;
use super::report::{AppStatus, DomainStatus, RetiredRole};
use super::request::WaitFor;
use super::resolve::AppResolver;
use super::route::Route;
use super::steps;
use super::zone_queue::ZoneQueues;
use crate::dns::DnsProvider;
use crate::dokploy::Dokploy;
use crate::image::ImageBuilder;
use crate::plan::{Desired, Observed, ObservedRecord, Operation, Ownership, Step};
use crate::postgres::IsolationReport;
use crate::secrets::{Redactor, Secret};
use crate::state::{Intent, Journal, Outcome, SharedState};
use crate::{DeployError, DeployEvent, ErrorCode, EventSink};
use futures_util::future::BoxFuture;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::task::TaskTracker;

/// One run of the engine.
pub(super) struct Session {
    /// The server.
    pub(super) client: Dokploy,
    /// What the server should look like.
    pub(super) desired: Desired,
    /// Every app that the workspace declares.
    pub(super) declared: BTreeSet<String>,
    /// The state, durable after each update (I2).
    pub(super) state: SharedState,
    /// What is under way.
    pub(super) journal: Journal,
    /// Where events go.
    pub(super) events: Arc<dyn EventSink>,
    /// Removes the run's secrets from text that is shown.
    pub(super) redactor: Arc<Redactor>,
    /// The DNS providers by root domain.
    pub(super) dns: BTreeMap<String, Arc<dyn DnsProvider>>,
    /// The writes to their zones.
    pub(super) zone_queues: ZoneQueues,
    /// Who builds images.
    pub(super) images: Arc<dyn ImageBuilder>,
    /// Turns requirements into values once the services' addresses are known.
    pub(super) resolver: AppResolver,
    /// The base of the services' names on the server.
    pub(super) names: BTreeMap<String, String>,
    /// The roles that the database is to have.
    pub(super) roles: Option<crate::postgres::DatabaseRoles>,
    /// Which app owns the `public` schema.
    pub(super) public_schema_app: Option<String>,
    /// Whether this run opens the database's port, which deploys the database as well.
    pub(super) opens_database: bool,
    /// The way to the database.
    pub(super) database_route: Route,
    /// Where an opened database port is reached.
    pub(super) database_host: String,
    /// How far a deployment is followed.
    pub(super) wait_for: WaitFor,
    /// How long an app must stay up to count as running.
    pub(super) stability: Duration,
    /// How long DNS is waited for.
    pub(super) dns_timeout: Duration,
    /// Programs, name servers, clock, randomness.
    pub(super) surroundings: Surroundings,
    /// Work that goes on after a cancelled run: closing a database port, deleting a job.
    pub(super) cleanup: TaskTracker,
    /// The records that were found at each host name.
    pub(super) records: BTreeMap<String, ObservedRecord>,
    /// The ids of the domains that were found at each app.
    pub(super) domains: BTreeMap<String, Vec<String>>,
    /// The environment that the server stored for each app.
    pub(super) environments: BTreeMap<String, IndexMap<String, Secret>>,
    /// What was learned so far.
    pub(super) world: Mutex<World>,
}

/// What is known of the server, and what the run did to it.
#[derive(Debug, Default)]
pub(super) struct World {
    /// The project.
    pub(super) project: Option<String>,
    /// The environment.
    pub(super) environment: Option<String>,
    /// The applications: id and service name.
    pub(super) applications: BTreeMap<String, (String, String)>,
    /// The Postgres service.
    pub(super) postgres: Option<PostgresService>,
    /// The Redis service's id and service name.
    pub(super) redis: Option<(String, String)>,
    /// The image of each app, once it is known.
    pub(super) images: BTreeMap<String, String>,
    /// The environment that each app was configured with.
    pub(super) configured: BTreeMap<String, IndexMap<String, Secret>>,
    /// The environment that each app was last seen running with in this run.
    pub(super) ran: BTreeMap<String, IndexMap<String, Secret>>,
    /// How far each app was seen to come in this run.
    pub(super) status: BTreeMap<String, AppStatus>,
    /// The apps of which a deployment was found waiting or under way, where it is enough that it is queued.
    pub(super) pending: BTreeSet<String>,
    /// How far each app's domain came in this run.
    pub(super) domains: BTreeMap<String, DomainStatus>,
    /// The host names that their vendor answers for with addresses of its own.
    pub(super) proxied: BTreeSet<String>,
    /// Why a host name is not verified.
    pub(super) unverified: BTreeMap<String, String>,
    /// The roles of removed apps that were barred.
    pub(super) retired: Vec<RetiredRole>,
    /// The way to the database that was taken.
    pub(super) database_access: Option<Route>,
    /// The proof of isolation.
    pub(super) isolation: Option<IsolationReport>,
}

/// A Postgres service as steps use it.
#[derive(Debug, Clone)]
pub(super) struct PostgresService {
    /// Its id.
    pub(super) id: String,
    /// Its service's name, which is its host name on the server's network.
    pub(super) app_name: String,
    /// Its database.
    pub(super) database: String,
    /// The master role.
    pub(super) user: String,
    /// Whether this run has made it.
    pub(super) new: bool,
}

impl World {
    /// What was observed of ours.
    pub(super) fn of(observed: &Observed) -> Self {
        let ours = |ownership: Ownership| ownership == Ownership::Ours;
        let proxied = observed.records.iter().filter(|(_, record)| record.proxied);
        let pending = observed.applications.iter().filter(|(_, found)| !found.pending.is_empty());
        Self {
            pending: pending.map(|(app, _)| app.clone()).collect(),
            proxied: proxied.map(|(host, _)| host.clone()).collect(),
            project: observed.project.as_ref().map(|project| project.id.clone()),
            environment: observed.environment.as_ref().map(|environment| environment.id.clone()),
            applications: observed
                .applications
                .iter()
                .map(|(app, found)| (app.clone(), (found.id.clone(), found.app_name.clone())))
                .collect(),
            postgres: observed.postgres.as_ref().filter(|found| ours(found.ownership)).map(|found| PostgresService {
                id: found.id.clone(),
                app_name: found.app_name.clone(),
                database: found.database.clone(),
                user: found.user.clone(),
                new: false,
            }),
            redis: observed
                .redis
                .as_ref()
                .filter(|found| ours(found.ownership))
                .map(|found| (found.id.clone(), found.app_name.clone())),
            ..Self::default()
        }
    }
}

impl Session {
    /// The same session, with these DNS providers.
    pub(super) fn with_dns(mut self, dns: BTreeMap<String, Arc<dyn DnsProvider>>) -> Self {
        self.dns = dns;
        self
    }

    /// What was observed, as the start of what is known.
    pub(super) fn world_of(observed: &Observed) -> Mutex<World> {
        Mutex::new(World::of(observed))
    }

    /// What is known now; never held across an await.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to look for on the server.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            workspace: &self.desired.workspace,
            stage: &self.desired.stage,
            apps: &self.declared,
            containers: self.wait_for == WaitFor::Running,
            pending: self.wait_for == WaitFor::Queued,
        }
    }

    /// The time, as ISO 8601 with milliseconds, as the CLI writes it.
    pub(super) fn now(&self) -> String {
        iso((self.surroundings.now)())
    }

    /// Tells the caller where a step is.
    pub(super) fn progress(&self, step: &Step, progress: impl Into<String>) {
        self.events.emit(DeployEvent::StepProgress {
            step: step.id.clone(),
            progress: self.redactor.redact(&progress.into()),
            app: step.app.clone(),
        });
    }

    /// Tells the user something that does not stop the run.
    pub(super) fn warn(&self, code: &str, message: &str, app: Option<&str>) {
        let message = self.redactor.redact(message);
        self.events.emit(DeployEvent::Warning { code: code.to_owned(), message, app: app.map(str::to_owned) });
    }

    /// Passes on a line of a log.
    pub(super) fn log(&self, step: &Step, line: &str) {
        self.events.emit(DeployEvent::Log {
            step: Some(step.id.clone()),
            app: step.app.clone(),
            line: self.redactor.redact(line),
        });
    }

    /// Makes a change that may be repeated, between its journal entries. One that fails stays unfinished: it is not known
    /// how far it came, and the next run looks before it repeats it.
    ///
    /// # Errors
    ///
    /// Those of the change, and `STATE_IO` when the journal cannot be written.
    pub(super) async fn journaled<T>(
        &self,
        step: &Step,
        intent: Intent,
        change: impl Future<Output = Result<T, DeployError>>,
    ) -> Result<T, DeployError> {
        let entry = self.journal.intend(step.id.as_str(), intent).await?;
        let value = change.await?;
        self.journal.settle(&entry, Outcome::Done).await?;
        Ok(value)
    }

    /// The environment on the server.
    ///
    /// # Errors
    ///
    /// `INTERNAL` when no step made it known before.
    pub(super) fn environment(&self) -> Result<String, DeployError> {
        self.world().environment.clone().ok_or_else(|| unknown("the environment"))
    }

    /// An app's application: its id and its service's name.
    ///
    /// # Errors
    ///
    /// As [`Self::environment`].
    pub(super) fn application(&self, app: &str) -> Result<(String, String), DeployError> {
        self.world().applications.get(app).cloned().ok_or_else(|| unknown(&format!("the application of {app}")))
    }

    /// The Postgres service.
    ///
    /// # Errors
    ///
    /// As [`Self::environment`].
    pub(super) fn postgres(&self) -> Result<PostgresService, DeployError> {
        self.world().postgres.clone().ok_or_else(|| unknown("the Postgres service"))
    }

    /// The base of a service's name on the server; the server appends a suffix.
    pub(super) fn base_name(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(String::as_str)
    }
}

/// A time as ISO 8601 in UTC with milliseconds: `2026-01-17T12:00:00.000Z`.
pub(super) fn iso(time: OffsetDateTime) -> String {
    let millis = time.replace_nanosecond(u32::from(time.millisecond()) * 1_000_000).unwrap_or(time);
    let text = millis.format(&Rfc3339).unwrap_or_default();
    // Rfc3339 leaves out zero milliseconds and their trailing zeros.
    match text.strip_suffix('Z').map(|text| text.split_once('.').unwrap_or((text, ""))) {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<3}Z"),
        None => text,
    }
}

fn unknown(what: &str) -> DeployError {
    DeployError::new(ErrorCode::Internal, format!("A step needs {what}, and no step before it made it known"))
}

impl Executor for Session {
    fn execute<'a>(&'a self, step: &'a Step, operation: &'a Operation) -> BoxFuture<'a, Result<Done, DeployError>> {
        Box::pin(steps::run(self, step, operation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_have_three_digits_of_milliseconds() {
        assert_eq!(iso(datetime!(2026-01-17 12:00:00 UTC)), "2026-01-17T12:00:00.000Z");
        assert_eq!(iso(datetime!(2026-01-17 12:00:00.25 UTC)), "2026-01-17T12:00:00.250Z");
        assert_eq!(iso(datetime!(2026-01-17 12:00:00.123456789 UTC)), "2026-01-17T12:00:00.123Z");
    }
}
