//! The plan of an undeployment: what is ours goes, what is not stays, what stood there before comes back.

use super::blueprint::Blueprint;
use super::desired::DatabaseWay;
use super::observed::{Observed, ObservedEnvironment, ObservedProject, Ownership, TwinKind};
use super::operation::Operation;
use super::record;
use super::recover::stored_login;
use super::step::{Action, Step};
use crate::state::State;
use std::collections::{BTreeMap, BTreeSet};

/// What an undeployment is asked to remove.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own in the request")]
pub struct RemovalRequest {
    /// The stage.
    pub stage: String,
    /// The apps to remove; `None`: everything of the stage.
    pub apps: Option<BTreeSet<String>>,
    /// Every host name that the workspace gives an app of this stage, and the app.
    pub hosts: BTreeMap<String, String>,
    /// Those of the apps to remove that lead to the server without a record of ours that the state knows.
    pub leading_here: BTreeSet<String>,
    /// Whether databases, roles and their data go too.
    pub delete_data: bool,
    /// Whether environment and project go too, when nothing else lives there.
    pub delete_project: bool,
    /// Whether a last backup is made before the database goes, where there are backups.
    pub final_backup: bool,
    /// Whether the bucket with every backup goes too.
    pub delete_backups: bool,
    /// How the database is reached, where roles go and the database stays.
    pub way: Option<DatabaseWay>,
}

/// Writes down the steps that remove what is ours.
pub fn draw_removal(request: &RemovalRequest, observed: &Observed, state: &State) -> Blueprint {
    let mut removal = Removal { request, observed, state, blueprint: Blueprint::default() };
    removal.blueprint.plan.stage.clone_from(&request.stage);
    removal.twins();
    removal.applications();
    removal.records();
    removal.data();
    removal.containers();
    let plan = &mut removal.blueprint.plan;
    plan.changes = plan.steps.len();
    removal.blueprint
}

struct Removal<'a> {
    request: &'a RemovalRequest,
    observed: &'a Observed,
    state: &'a State,
    blueprint: Blueprint,
}

impl Removal<'_> {
    fn push(&mut self, step: Step, operation: Operation) {
        self.blueprint.operations.insert(step.id.clone(), operation);
        self.blueprint.plan.steps.push(step);
    }

    fn note(&mut self, note: String) {
        self.blueprint.plan.notes.push(note);
    }

    fn selected(&self, app: &str) -> bool {
        self.request.apps.as_ref().is_none_or(|apps| apps.contains(app))
    }

    /// What interrupted runs left behind: idle, ours, and in the way of an environment that is to go.
    fn twins(&mut self) {
        let everything = self.request.apps.is_none();
        for twin in &self.observed.twins {
            let concerned = match twin.kind {
                TwinKind::Job => true,
                TwinKind::Application | TwinKind::Release => self.selected(&twin.name),
                _ => everything,
            };
            if concerned {
                self.push(Step::removing(twin), Operation::RemoveTwin(twin.clone()));
            }
        }
    }

    fn applications(&mut self) {
        for (name, application) in &self.observed.applications {
            if !self.selected(name) {
                continue;
            }
            if application.ownership == Ownership::Foreign {
                self.note(format!("application {name} is not ours: it stays"));
                continue;
            }
            let mut step =
                Step::new(&format!("app:{name}:delete"), Action::Delete, &format!("application {name}"), "it is ours");
            step.app = Some(name.clone());
            step.details = application.domains.iter().map(|domain| format!("and domain {}", domain.host)).collect();
            self.push(step, Operation::RemoveApplication { app: name.clone(), id: application.id.clone() });
        }
    }

    fn records(&mut self) {
        for (key, record) in &self.state.dns_records {
            let host = record.host();
            let of_none = || record::owner(record, &self.request.hosts).is_none_or(|app| !self.selected(app));
            if self.request.apps.is_some() && of_none() {
                continue;
            }
            let step = record::removal(&host, record, "we wrote it");
            self.push(step, Operation::RestoreRecord { key: key.clone(), moved: None });
        }
        if !self.request.leading_here.is_empty() {
            let hosts: Vec<&str> = self.request.leading_here.iter().map(String::as_str).collect();
            self.note(format!(
                "records that lead to the server stay, since the state does not say that we wrote them: {}",
                hosts.join(", ")
            ));
        }
    }

    fn data(&mut self) {
        let everything = self.request.apps.is_none();
        if !self.request.delete_data {
            if everything && (self.observed.postgres.is_some() || self.observed.redis.is_some()) {
                self.note("databases and their data stay: remove them with deleteData".to_owned());
            }
            return;
        }
        if !everything {
            self.roles();
            return;
        }
        self.backups();
        let first = self.before_removal();
        let ours = |ownership: Ownership, name: &str| (ownership == Ownership::Ours).then(|| name.to_owned());
        let postgres = self.observed.postgres.as_ref().and_then(|found| ours(found.ownership, &found.app_name));
        let redis = self.observed.redis.as_ref().and_then(|found| ours(found.ownership, &found.app_name));
        self.service("service:postgres:delete", "postgres db", Operation::RemovePostgres, postgres, &first);
        self.service("service:redis:delete", "redis cache", Operation::RemoveRedis, redis, &first);
    }

    /// A last backup comes before everything else of the data; when it fails, the data stays. The bucket goes only where that
    /// is asked for.
    fn backups(&mut self) {
        let Some(backups) = self.state.backups.clone() else { return };
        let has_database = self.observed.postgres.as_ref().is_some_and(|found| found.ownership == Ownership::Ours);
        let bucket = format!("bucket {}", backups.bucket_name);
        let mut first = Vec::new();
        let last = self.request.final_backup && !self.request.delete_backups;
        if last && has_database && backups.postgres_backup_id.is_some() {
            let step =
                Step::new("backup:final", Action::Update, "last backup of the database", "its data goes after it");
            first.push(step.id.clone());
            self.push(step, Operation::BackUpLast);
        }
        if !backups.destination_id.is_empty() || backups.postgres_backup_id.is_some() {
            let mut step = Step::new("backup:delete", Action::Delete, "backups of the database", "it goes");
            step.depends_on.clone_from(&first);
            first.push(step.id.clone());
            self.push(step, Operation::RemoveBackups);
        }
        if !self.request.delete_backups {
            return self.note(format!("{bucket} stays, with every backup in it: remove it with deleteBackups"));
        }
        let mut step = Step::new("backup:bucket:delete", Action::Delete, &bucket, "with every backup in it, as asked");
        step.depends_on = first;
        self.push(step, Operation::DeleteBackups);
    }

    /// Removes a service. What it stored can no more be reached through Dokploy, but it does not leave the server's disk
    /// (facts: what deleting leaves behind).
    fn service(&mut self, id: &str, resource: &str, operation: Operation, app_name: Option<String>, first: &[String]) {
        let Some(app_name) = app_name else { return };
        let mut step = Step::new(id, Action::Delete, resource, "it is ours; its data goes out of reach");
        step.depends_on = first.to_vec();
        self.push(step, operation);
        self.note(format!(
            "the volume {app_name}-data of {resource} stays on the server's disk, where Dokploy leaves it; to destroy what \
             it holds: docker volume rm {app_name}-data"
        ));
    }

    /// The steps so far that what is removed next has to wait for. A DNS vendor that fails is no reason to keep what nothing
    /// uses: the state remembers the record until it is put back.
    fn before_removal(&self) -> Vec<String> {
        let is_record = |id: &String| matches!(self.blueprint.operations[id], Operation::RestoreRecord { .. });
        self.blueprint.operations.keys().filter(|id| !is_record(id)).cloned().collect()
    }

    fn roles(&mut self) {
        let known = self.state.app_credentials.keys();
        // One whose password is lost has its role all the same.
        let lost = self.observed.applications.iter().filter(|(app, found)| {
            found.ownership == Ownership::Ours && stored_login(self.state, self.observed, app, found).is_some()
        });
        let apps: BTreeSet<&String> = known.chain(lost.map(|(app, _)| app)).filter(|app| self.selected(app)).collect();
        let apps: Vec<String> = apps.into_iter().cloned().collect();
        if apps.is_empty() || self.observed.postgres.is_none() {
            return;
        }
        let mut step =
            Step::new("database:drop-roles", Action::Delete, "database roles", "their apps go, with their data");
        step.depends_on = apps.iter().map(|app| format!("app:{app}:delete")).collect();
        step.depends_on.retain(|id| self.blueprint.operations.contains_key(id));
        step.details.clone_from(&apps);
        if let Some(way) = &self.request.way {
            way.show_in(&mut step);
        }
        self.push(step, Operation::DropRoles { apps });
    }

    fn containers(&mut self) {
        if !self.request.delete_project {
            return;
        }
        let Some(project) = &self.observed.project else { return };
        let mut first = self.before_removal();
        match &self.observed.environment {
            // An interrupted undeployment has come as far as this.
            None if self.request.apps.is_none() => {}
            None => return,
            Some(environment) => {
                if let Some(reason) = self.stays(project, environment) {
                    return self.note(reason);
                }
                if !environment.is_default {
                    let resource = format!("environment {}", self.request.stage);
                    let mut step =
                        Step::new("environment:delete", Action::Delete, &resource, "nothing else lives there");
                    step.depends_on.clone_from(&first);
                    first.push(step.id.clone());
                    self.push(step, Operation::RemoveEnvironment);
                }
            }
        }
        if project.ownership == Ownership::Foreign || !project.other_environments.is_empty() {
            let others = project.other_environments.join(", ");
            self.note(format!("the project stays: it is not ours alone (other environments: {others})"));
            return;
        }
        let mut step = Step::new("project:delete", Action::Delete, "project", "nothing else lives there");
        step.depends_on = first;
        self.push(step, Operation::RemoveProject);
    }

    /// Why the environment cannot go; `None` when it can.
    fn stays(&self, project: &ObservedProject, environment: &ObservedEnvironment) -> Option<String> {
        let keeps_data =
            !self.request.delete_data && (self.observed.postgres.is_some() || self.observed.redis.is_some());
        let keeps_apps = self.request.apps.is_some();
        let foreign = environment.ownership == Ownership::Foreign
            || (environment.is_default && project.ownership == Ownership::Foreign);
        if foreign {
            Some("environment and project are not ours: they stay".to_owned())
        } else if !environment.others.is_empty() {
            Some(format!("environment and project stay: others live there ({})", environment.others.join(", ")))
        } else if keeps_data {
            Some("environment and project stay: databases live there (remove them with deleteData)".to_owned())
        } else if keeps_apps {
            Some("environment and project stay: only some apps are undeployed".to_owned())
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
