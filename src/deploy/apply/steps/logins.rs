//! Another database password for an app that runs: what is done in the database, and what runs meanwhile.
//!
//! The plan keeps the order (`plan::draw_rotation`), the state how far each app came. Everything may be repeated.

use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::changes::StepContext;
use crate::deploy::context::PostgresService;
use crate::deploy::database_access::{DatabaseAccess, DatabaseTarget, DatabaseWork};
use crate::deploy::prepare::AppResolver;
use crate::dokploy::ServiceSnapshot;
use crate::env::PostgresAddress;
use crate::plan::{DatabaseLogin, DesiredRotation, LoginStage};
use crate::postgres::{
    AppRole, SqlTransport, app_names, change_password, close_second_login, open_second_login, second_login_name,
};
use crate::secrets::Secret;
use crate::state::{Intent, LoginRotation, ResourceKind, RotationPhase, State};
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long what ran before may take to end once something else runs in its place.
const DRAIN_LIMIT: Duration = Duration::from_mins(2);
/// The pause after the first look at what still runs; it grows by half each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The database logins that a run changes, and how they are reached.
#[derive(Clone, Copy)]
pub(crate) struct LoginChanges<'a> {
    pub(super) rotations: &'a BTreeMap<String, DesiredRotation>,
    pub(super) resolver: &'a AppResolver,
    /// Which app owns the `public` schema.
    pub(super) public_schema_app: Option<&'a str>,
    pub(super) access: &'a DatabaseAccess,
}

/// What is done to the logins of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Open,
    Password,
    Close,
}

impl LoginChanges<'_> {
    /// Gives apps their second login.
    pub(super) async fn open(
        self,
        cx: &StepContext<'_>,
        apps: &[String],
        target: &DatabaseTarget,
    ) -> Result<StepOutcome, DeployError> {
        self.in_database(cx, apps, target, Change::Open).await
    }

    /// Gives the roles of apps their new password; leaves out those that were not seen running with their second login.
    pub(super) async fn change_passwords(
        self,
        cx: &StepContext<'_>,
        apps: &[String],
        target: &DatabaseTarget,
    ) -> Result<StepOutcome, DeployError> {
        let may = |app: &&String| {
            self.stage(app) == Some(LoginStage::Idle) || phase(cx, app) == Some(RotationPhase::SecondRuns)
        };
        let apps: Vec<String> = apps.iter().filter(may).cloned().collect();
        if apps.is_empty() {
            return Ok(StepOutcome::unchanged("no app runs with its second login"));
        }
        self.in_database(cx, &apps, target, Change::Password).await
    }

    /// Drops the second logins of apps; leaves out those that were not seen running with their own again.
    pub(super) async fn close(
        self,
        cx: &StepContext<'_>,
        apps: &[String],
        target: &DatabaseTarget,
    ) -> Result<StepOutcome, DeployError> {
        let may = |app: &&String| {
            self.stage(app) == Some(LoginStage::Close) || phase(cx, app) == Some(RotationPhase::Returned)
        };
        let apps: Vec<String> = apps.iter().filter(may).cloned().collect();
        if apps.is_empty() {
            return Ok(StepOutcome::unchanged("no app runs with its own login again"));
        }
        self.in_database(cx, &apps, target, Change::Close).await
    }

    /// Does one thing to the logins of several apps, by one way into the database.
    async fn in_database(
        self,
        cx: &StepContext<'_>,
        apps: &[String],
        target: &DatabaseTarget,
        change: Change,
    ) -> Result<StepOutcome, DeployError> {
        let (resource, name, id) = (ResourceKind::Role, apps.join(", "), target.service.id.clone());
        let intent = match change {
            Change::Open | Change::Password => Intent::Update { resource, name, id },
            Change::Close => Intent::Delete { resource, name, id },
        };
        let work = LoginWork { changes: self, cx, service: &target.service, apps, change };
        cx.journaled(intent, self.access.run(cx, target, &work)).await?;
        Ok(StepOutcome::Changed(()))
    }

    fn stage(&self, app: &str) -> Option<LoginStage> {
        self.rotations.get(app)?.login
    }

    fn role(&self, app: &str, rotation: &LoginRotation) -> Result<AppRole, DeployError> {
        let names = app_names([app], self.public_schema_app)?;
        let names = names.into_iter().next().ok_or_else(|| unknown_login(app))?;
        Ok(AppRole::new(names, rotation.next.clone()))
    }
}

struct LoginWork<'a> {
    changes: LoginChanges<'a>,
    cx: &'a StepContext<'a>,
    service: &'a PostgresService,
    apps: &'a [String],
    change: Change,
}

#[async_trait]
impl DatabaseWork for LoginWork<'_> {
    type Output = ();

    async fn run(&self, transport: &dyn SqlTransport) -> Result<(), DeployError> {
        for app in self.apps {
            self.of_app(transport, app).await.map_err(|error| error.app(app))?;
        }
        Ok(())
    }
}

impl LoginWork<'_> {
    async fn of_app(&self, transport: &dyn SqlTransport, app: &str) -> Result<(), DeployError> {
        let Some(rotation) = login_of(&self.cx.state.snapshot(), app) else {
            // Done already, by another way that then failed.
            return Ok(());
        };
        let role = self.changes.role(app, &rotation)?;
        let (user, database) = (role.user.as_str(), self.service.database.as_str());
        match self.change {
            Change::Open => {
                self.cx.progress(format!("opening the login {}", second_login_name(user)));
                open_second_login(transport, database, &role, &rotation.interim).await?;
            }
            Change::Password => {
                self.cx.progress(format!("changing the password of {user}"));
                change_password(transport, database, user, &rotation.next).await?;
                self.remember_password(app).await?;
                if self.changes.stage(app) == Some(LoginStage::Idle) {
                    self.drop_second(transport, app, user).await?;
                }
            }
            Change::Close => {
                self.cx.progress(format!("dropping the login {}", second_login_name(user)));
                self.drop_second(transport, app, user).await?;
            }
        }
        Ok(())
    }

    async fn drop_second(&self, transport: &dyn SqlTransport, app: &str, user: &str) -> Result<(), DeployError> {
        close_second_login(transport, &self.service.database, user).await?;
        let over = |state: &mut State| {
            let Some(rotation) = state.deploy_native.rotations.get_mut(app) else { return };
            rotation.login = None;
            if rotation.is_over() {
                state.deploy_native.rotations.remove(app);
            }
        };
        self.cx.state.update(over).await
    }

    /// Remembers that a role has its new password, and that the roles are as they were applied but for that.
    async fn remember_password(&self, app: &str) -> Result<(), DeployError> {
        let fingerprint = |state: &State| {
            let roles = self.changes.resolver.roles(state, &self.service.database, &self.service.user);
            roles.ok().flatten().map(|roles| roles.fingerprint())
        };
        let change = |state: &mut State| {
            let as_applied =
                state.deploy_native.database.is_some() && state.deploy_native.database == fingerprint(state);
            let rotation = state.deploy_native.rotations.get_mut(app).and_then(|rotation| rotation.login.as_mut());
            let Some(rotation) = rotation else { return };
            rotation.phase = RotationPhase::Changed;
            if let Some(credentials) = state.app_credentials.get_mut(app) {
                credentials.db_password = rotation.next.clone();
            }
            if as_applied {
                state.deploy_native.database = fingerprint(state);
            }
        };
        self.cx.state.update(change).await
    }
}

/// Notes how far the rotation of an app's credentials came, now that it was seen running with `login`.
pub(super) fn seen_running(state: &mut State, app: &str, login: DatabaseLogin) {
    let Some(rotation) = state.deploy_native.rotations.get_mut(app) else { return };
    rotation.secrets.clear();
    if let Some(of_login) = &mut rotation.login {
        of_login.phase = match (login, of_login.phase) {
            (DatabaseLogin::Second, RotationPhase::Begun) => RotationPhase::SecondRuns,
            (DatabaseLogin::Own, RotationPhase::Changed) => RotationPhase::Returned,
            (_, phase) => phase,
        };
    }
    if rotation.is_over() {
        state.deploy_native.rotations.remove(app);
    }
}

/// Waits until nothing runs any more of what was replaced: it still logs in as it was told to.
///
/// # Errors
///
/// `DEPLOYMENT_FAILED` with the reason `not-drained`; `DOKPLOY_*`.
pub(super) async fn wait_until_drained(cx: &StepContext<'_>, app: &str, app_name: &str) -> Result<(), DeployError> {
    let deadline = Instant::now() + DRAIN_LIMIT;
    let mut pause = FIRST_PAUSE;
    loop {
        let snapshot =
            cx.client.tasks(app_name).await.map(|tasks| ServiceSnapshot { tasks, ..ServiceSnapshot::default() });
        match snapshot {
            Ok(snapshot) if snapshot.is_drained() => return Ok(()),
            Ok(_) if pause == FIRST_PAUSE => cx.progress("waiting until what ran before has ended"),
            Ok(_) => {}
            Err(error) if error.is_transient() => {}
            Err(error) => return Err(error.into()),
        }
        if Instant::now() >= deadline {
            let seconds = DRAIN_LIMIT.as_secs();
            let message = format!("What ran of {app} before has not ended after {seconds} s");
            return Err(DeployError::new(ErrorCode::DeploymentFailed, message)
                .app(app)
                .reason("not-drained")
                .retryable(true)
                .hint(
                    "Look at its containers: one does not stop. Its database login is left to it; the next run goes on",
                ));
        }
        sleep(pause).await;
        pause = pause.mul_f32(1.5).min(LONGEST_PAUSE);
    }
}

/// The database URL with one of an app's logins.
///
/// # Errors
///
/// `INTERNAL` when no login of the app is known.
pub(super) fn database_url_of(
    state: &State,
    app: &str,
    service: &PostgresService,
    login: DatabaseLogin,
) -> Result<Secret, DeployError> {
    let own = state.app_credentials.get(app).ok_or_else(|| unknown_login(app))?;
    let (user, password) = match login {
        DatabaseLogin::Own => (own.db_user.clone(), own.db_password.clone()),
        DatabaseLogin::Second => {
            let login = login_of(state, app).ok_or_else(|| unknown_login(app))?;
            (second_login_name(&own.db_user), login.interim)
        }
    };
    let (host, database) = (Some(service.app_name.clone()), service.database.clone());
    PostgresAddress::new(host, database, user, password).url().ok_or_else(|| unknown_login(app))
}

fn phase(cx: &StepContext<'_>, app: &str) -> Option<RotationPhase> {
    Some(cx.state.snapshot().deploy_native.rotations.get(app)?.login.as_ref()?.phase)
}

fn login_of(state: &State, app: &str) -> Option<LoginRotation> {
    state.deploy_native.rotations.get(app)?.login.clone()
}

fn unknown_login(app: &str) -> DeployError {
    DeployError::new(ErrorCode::Internal, format!("The database login of {app} is not known")).app(app)
}
