//! From a checked request to a plan: sniff, resolve, look, recover, draw. Makes only reads.

use super::begin::{Adoption, adoption};
use super::desired::{self, Ingredients, MASTER, assemble};
use super::images::{registry_login, resolve_images};
use super::prepare;
use super::ready::{Part, Ready};
use super::resolve::{AppResolver, Generated};
use super::rotation;
use super::session::{PostgresService, World};
use crate::env::encode_env;
use crate::plan::{Blueprint, DeployPlan, Desired, Observed, draw, recover, recover_domains, remember_apps};
use crate::postgres::DatabaseRoles;
use crate::state::{Intent, Journal, State};
use crate::{DeployError, DeployEvent, Phase};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A plan with everything that applying it needs.
pub(super) struct Draft {
    pub(super) desired: Desired,
    pub(super) observed: Observed,
    pub(super) blueprint: Blueprint,
    /// The state with what was recovered.
    pub(super) state: State,
    pub(super) generated: Generated,
    pub(super) resolver: AppResolver,
    pub(super) roles: Option<DatabaseRoles>,
}

impl Ready {
    /// Finds out what would have to be done. Makes only reads.
    ///
    /// # Errors
    ///
    /// Everything that stops a deployment before its first change (I1).
    pub(super) async fn draw(&self, state: Option<State>) -> Result<Draft, DeployError> {
        let requirements = self.sniff().await?;
        self.phase(Phase::Resolve);
        let known = state.clone().unwrap_or_else(|| State::new(self.stage()));
        let resolver = self.resolver(requirements);
        // What is missing is missing whatever the server says; so this comes before the first request.
        resolver.resolve_all(&known, None, None)?;
        self.phase(Phase::Observe);
        let (mut observed, server_ip) = self.look(state.as_ref()).await?;
        let mut state = known;
        let entropy = self.options.surroundings.entropy.as_ref();
        // Before the ids of this server take the place of those that the state knows.
        observed.former_server = self.former_server(&state, &observed);
        let mut recovered = recover_domains(&mut state, &observed, &self.hosts_and_ports());
        let needs = resolver.needs(&self.request.settings.adopt);
        recovered.extend(recover(&mut state, &observed, &needs, entropy)?);
        remember_apps(&mut state, &self.zones.hosts);
        // Where there is no project yet, the state is of this server once it is made.
        if observed.project.is_some() {
            state.deploy_native.endpoint = Some(self.client.origin());
        }
        if !recovered.is_empty() {
            self.warn("state-recovered", &format!("recovered from the server: {}", recovered.join(", ")), None);
        }
        self.assemble(resolver, state, observed, server_ip).await
    }

    /// The host name and the port of each app.
    fn hosts_and_ports(&self) -> BTreeMap<String, (String, u16)> {
        let apps = &self.request.workspace.apps;
        let of_app = |(app, host): (&String, &String)| Some((app.clone(), (host.clone(), apps.get(app)?.port)));
        self.hosts.iter().filter_map(of_app).collect()
    }

    async fn assemble(
        &self,
        resolver: AppResolver,
        state: State,
        observed: Observed,
        server_ip: Option<IpAddr>,
    ) -> Result<Draft, DeployError> {
        let world = World::of(&observed);
        let redis = world.redis.as_ref().map(|(_, name)| name.as_str());
        let resolved = resolver.resolve_all(&state, world.postgres.as_ref(), redis)?;
        resolved.secrets.iter().for_each(|value| self.redactor.add(value));
        for (app, env) in &resolved.envs {
            encode_env(app, &env.values)?;
        }
        for (app, names) in &resolved.overridden {
            let message = format!("{app}: {} of the secrets give way to what is computed", names.join(", "));
            self.warn("secret-overridden", &message, Some(app));
        }
        let mut filled = state.clone();
        resolved.generated.keep_in(&mut filled);
        // A server's words may hold any of them, also those that no app's environment shows before its host is known.
        prepare::know_state(&self.redactor, &filled);
        let (database, master) = match &world.postgres {
            Some(PostgresService { database, user, .. }) => (database.clone(), user.clone()),
            None => (self.request.workspace.database_name(), MASTER.to_owned()),
        };
        let roles = resolver.roles(&filled, &database, &master)?;
        let hooked = self.options.image_builder.is_some();
        let images = desired::images(&self.request, &self.apps, &resolved.envs, hooked, self.now())?;
        let images = resolve_images(images, self.images.as_ref(), registry_login(&self.request).as_ref()).await?;
        let mut desired = assemble(Ingredients {
            request: &self.request,
            apps: &self.apps,
            hosts: &self.hosts,
            zones: &self.zones,
            server_ip,
            envs: &resolved.envs,
            images,
            roles: roles.as_ref(),
            route: desired::database_route(&self.request, observed.postgres.as_ref(), &state),
        });
        if self.part == Part::All && self.request.workspace.services.db.is_some() {
            desired.rotations = rotation::unfinished(&state, &observed, &self.apps);
        }
        desired.writable_zones = self.writable_zones(&state).into_keys().collect();
        self.phase(Phase::Plan);
        let mut blueprint = draw(&desired, &observed, &state)?;
        self.part.narrow(&mut blueprint);
        self.check_access(&blueprint, desired.database.as_ref().map(|database| &database.way)).await?;
        self.options.events.emit(DeployEvent::planned(&blueprint.plan));
        Ok(Draft { desired, observed, blueprint, state, generated: resolved.generated, resolver, roles })
    }
}

/// Plans: what a deployment would do.
///
/// # Errors
///
/// Everything that stops a deployment before its first change.
pub(super) async fn plan(ready: &Ready) -> Result<DeployPlan, DeployError> {
    let unfinished = Journal::peek(&ready.request.workspace.root, ready.stage()).await?;
    let mut state = ready.state().await?;
    if let Some(state) = &mut state {
        for entry in &unfinished {
            // A run adopts it before it looks; here nothing is written.
            if let Adoption::Of(host, id) = adoption(ready, state, &entry.intent).await? {
                state.deploy_native.domains.insert(host, id);
            }
        }
    }
    let mut drawn = Box::pin(ready.draw(state)).await?;
    let opened = unfinished.iter().any(|entry| matches!(entry.intent, Intent::OpenDatabasePort { .. }));
    if opened && drawn.observed.open_port.is_none() {
        drawn.observed.open_port = drawn.observed.postgres.as_ref().map(|found| found.id.clone());
        drawn.blueprint = draw(&drawn.desired, &drawn.observed, &drawn.state)?;
    }
    Ok(drawn.blueprint.plan)
}
