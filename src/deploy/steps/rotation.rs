//! Another database password for an app that runs: what is done in the database, and what runs meanwhile.
//!
//! The plan keeps the order (`plan::draw_rotation`), the state how far each app came. Everything may be repeated.

use crate::deploy::apply::Done;
use crate::deploy::reach::{Work, reach};
use crate::deploy::resolve::DATABASE_URL;
use crate::deploy::session::{PostgresService, Session};
use crate::dokploy::Look;
use crate::env::PostgresAddress;
use crate::plan::{DatabaseLogin, LoginStage, Step};
use crate::postgres::{
    AppRole, SqlTransport, app_names, change_password, close_second_login, open_second_login, second_login_name,
};
use crate::secrets::Secret;
use crate::state::{LoginRotation, RotationPhase, State};
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use indexmap::IndexMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long what ran before may take to end once something else runs in its place.
const DRAIN_LIMIT: Duration = Duration::from_mins(2);
/// The pause after the first look at what still runs; it grows by half each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Gives apps their second login.
pub(super) async fn open(session: &Session, step: &Step, apps: &[String]) -> Result<Done, DeployError> {
    in_database(session, step, apps, Change::Open).await?;
    Ok(Done::Changed)
}

/// Gives the roles of apps their new password; leaves out those that were not seen running with their second login.
pub(super) async fn change(session: &Session, step: &Step, apps: &[String]) -> Result<Done, DeployError> {
    let may = |app: &&String| {
        stage(session, app) == Some(LoginStage::Idle) || phase(session, app) == Some(RotationPhase::SecondRuns)
    };
    let apps: Vec<String> = apps.iter().filter(may).cloned().collect();
    if apps.is_empty() {
        return Ok(Done::Nothing("no app runs with its second login".to_owned()));
    }
    in_database(session, step, &apps, Change::Password).await?;
    Ok(Done::Changed)
}

/// Drops the second logins of apps; leaves out those that were not seen running with their own again.
pub(super) async fn close(session: &Session, step: &Step, apps: &[String]) -> Result<Done, DeployError> {
    let may = |app: &&String| {
        stage(session, app) == Some(LoginStage::Close) || phase(session, app) == Some(RotationPhase::Returned)
    };
    let apps: Vec<String> = apps.iter().filter(may).cloned().collect();
    if apps.is_empty() {
        return Ok(Done::Nothing("no app runs with its own login again".to_owned()));
    }
    in_database(session, step, &apps, Change::Close).await?;
    Ok(Done::Changed)
}

/// What is done to the logins of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Open,
    Password,
    Close,
}

/// Does one thing to the logins of several apps, by one way into the database.
async fn in_database(session: &Session, step: &Step, apps: &[String], change: Change) -> Result<(), DeployError> {
    let service = session.postgres()?;
    reach(session, step, &Logins { session, step, service, apps, change }).await
}

struct Logins<'a> {
    session: &'a Session,
    step: &'a Step,
    service: PostgresService,
    apps: &'a [String],
    change: Change,
}

#[async_trait]
impl Work for Logins<'_> {
    type Output = ();

    async fn run(&self, transport: &dyn SqlTransport) -> Result<(), DeployError> {
        for app in self.apps {
            self.of_app(transport, app).await.map_err(|error| error.app(app))?;
        }
        Ok(())
    }
}

impl Logins<'_> {
    async fn of_app(&self, transport: &dyn SqlTransport, app: &str) -> Result<(), DeployError> {
        let Self { session, step, service, .. } = self;
        let Some(rotation) = login_of(&session.state.snapshot(), app) else {
            // Done already, by another way that then failed.
            return Ok(());
        };
        let role = role(session, app, &rotation)?;
        let (user, database) = (role.user.as_str(), service.database.as_str());
        match self.change {
            Change::Open => {
                session.progress(step, format!("opening the login {}", second_login_name(user)));
                open_second_login(transport, database, &role, &rotation.interim).await?;
            }
            Change::Password => {
                session.progress(step, format!("changing the password of {user}"));
                change_password(transport, database, user, &rotation.next).await?;
                changed(session, service, app).await?;
                if stage(session, app) == Some(LoginStage::Idle) {
                    self.drop_second(transport, app, user).await?;
                }
            }
            Change::Close => {
                session.progress(step, format!("dropping the login {}", second_login_name(user)));
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
        self.session.state.update(over).await
    }
}

/// Remembers that a role has its new password, and that the roles are as they were applied but for that.
async fn changed(session: &Session, service: &PostgresService, app: &str) -> Result<(), DeployError> {
    let fingerprint = |state: &State| {
        let roles = session.resolver.roles(state, &service.database, &service.user).ok().flatten();
        roles.map(|roles| roles.fingerprint())
    };
    session
        .state
        .update(|state| {
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
        })
        .await
}

/// Whether this run brings an app from one of its logins to the other.
pub(super) fn turns(session: &Session, app: &str) -> bool {
    matches!(stage(session, app), Some(LoginStage::Whole | LoginStage::Change | LoginStage::Return))
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
pub(super) async fn drained(session: &Session, step: &Step, app: &str, app_name: &str) -> Result<(), DeployError> {
    let deadline = Instant::now() + DRAIN_LIMIT;
    let mut pause = FIRST_PAUSE;
    loop {
        let look = session.client.tasks(app_name).await.map(|tasks| Look { tasks, ..Look::default() });
        match look {
            Ok(look) if look.is_drained() => return Ok(()),
            Ok(_) if pause == FIRST_PAUSE => session.progress(step, "waiting until what ran before has ended"),
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

/// Puts a database login into the environment of an app whose login this run changes.
///
/// # Errors
///
/// `INTERNAL` when no login of the app is known.
pub(super) fn log_in(
    session: &Session,
    app: &str,
    env: &mut IndexMap<String, Secret>,
    login: DatabaseLogin,
) -> Result<(), DeployError> {
    if stage(session, app).is_none() || !env.contains_key(DATABASE_URL) {
        return Ok(());
    }
    let (state, service) = (session.state.snapshot(), session.postgres()?);
    let own = state.app_credentials.get(app).ok_or_else(|| unknown(app))?;
    let (user, password) = match login {
        DatabaseLogin::Own => (own.db_user.clone(), own.db_password.clone()),
        DatabaseLogin::Second => {
            let login = login_of(&state, app).ok_or_else(|| unknown(app))?;
            (second_login_name(&own.db_user), login.interim)
        }
    };
    let address = PostgresAddress::new(Some(service.app_name), service.database, user, password);
    let url = address.url().ok_or_else(|| unknown(app))?;
    session.redactor.add(&url);
    env.insert(DATABASE_URL.to_owned(), url);
    Ok(())
}

fn stage(session: &Session, app: &str) -> Option<LoginStage> {
    session.desired.rotations.get(app)?.login
}

fn phase(session: &Session, app: &str) -> Option<RotationPhase> {
    Some(session.state.snapshot().deploy_native.rotations.get(app)?.login.as_ref()?.phase)
}

fn login_of(state: &State, app: &str) -> Option<LoginRotation> {
    state.deploy_native.rotations.get(app)?.login.clone()
}

fn role(session: &Session, app: &str, rotation: &LoginRotation) -> Result<AppRole, DeployError> {
    let names = app_names([app], session.public_schema_app.as_deref())?;
    let names = names.into_iter().next().ok_or_else(|| unknown(app))?;
    Ok(AppRole::new(names, rotation.next.clone()))
}

fn unknown(app: &str) -> DeployError {
    DeployError::new(ErrorCode::Internal, format!("The database login of {app} is not known")).app(app)
}
