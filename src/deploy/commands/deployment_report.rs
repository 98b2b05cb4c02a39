//! The report of a deployment, from what was planned and what became of it.

use super::frame::FinishedRun;
use super::host_verification::proxied_message;
use crate::deploy::apply::Output;
use crate::deploy::report::{
    AppReport, AppStatus, BackupReport, DatabaseAccessReport, DeployReport, DnsReport, DomainStatus, HostReason,
    HostReport, RecordStatus, unserved_message,
};
use crate::plan::{Action, DesiredHost, Operation};
use crate::workspace::{App, AppType};

/// Puts the report together.
pub(super) fn deployment_report(run: &FinishedRun<'_>) -> DeployReport {
    let summary = Summary { run };
    let apps = run.context.request.workspace.apps.iter();
    let roles = run.resources.roles.as_ref().and_then(Output::get).unwrap_or_default();
    let id = |made: &Option<Output<String>>| made.as_ref().and_then(Output::get).unwrap_or_default();
    DeployReport {
        apps: apps.map(|(name, app)| summary.app(name, app)).collect(),
        project_id: id(&run.resources.project),
        environment_id: id(&run.resources.environment),
        changes: run.outcome.changed.len(),
        duration_ms: u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
        dns: summary.dns(),
        database_access: summary.database_access(),
        backups: summary.backups(),
        retired_roles: roles.retired,
        rolled_back: Vec::new(),
        isolation: roles.isolation,
    }
}

struct Summary<'a> {
    run: &'a FinishedRun<'a>,
}

impl Summary<'_> {
    fn backups(&self) -> Option<BackupReport> {
        let schedule = self.run.draft.desired.backups.clone()?;
        let bucket = self.run.state.backups.as_ref()?.bucket_name.clone();
        Some(BackupReport { bucket, schedule, changed: self.run.outcome.changed.contains("database:backups") })
    }

    fn database_access(&self) -> Option<DatabaseAccessReport> {
        let desired = self.run.draft.desired.database.as_ref()?;
        let applied = self.run.draft.blueprint.operations.values().any(|operation| *operation == Operation::ApplyRoles);
        let (way, reason) = match &self.run.database_route {
            Some(taken) => (taken.way, taken.why.clone()),
            None => (desired.way.route, desired.way.why.clone()),
        };
        applied.then_some(DatabaseAccessReport { way, reason })
    }

    fn app(&self, name: &str, app: &App) -> AppReport {
        let mut report = AppReport {
            app_name: name.to_owned(),
            app_type: app.app_type.as_str(),
            status: AppStatus::Skipped,
            application_id: self.run.resources.applications.get(name).and_then(Output::get).map(|found| found.id),
            image: None,
            host: None,
            url: None,
            domain: DomainStatus::None,
            changed: false,
            reason: "it was not selected".to_owned(),
        };
        if app.app_type == AppType::Mobile {
            "mobile apps have their own toolchain".clone_into(&mut report.reason);
        }
        let Some(desired) = self.run.draft.desired.apps.get(name) else { return report };
        report.host = Some(desired.host.clone()).filter(|host| !host.is_empty());
        report.url = report.host.as_ref().map(|host| format!("https://{host}"));
        report.image = self.run.resources.images.get(name).and_then(Output::get);
        report.domain = self.domain(name);
        let prefix = format!("app:{name}:");
        report.changed = self.run.outcome.changed.iter().any(|id| id.starts_with(&prefix));
        (report.status, report.reason) = self.status(name, &prefix);
        report
    }

    /// How far an app came, and why; never more than was seen.
    fn status(&self, name: &str, prefix: &str) -> (AppStatus, String) {
        let deploy = format!("{prefix}deploy");
        let seen = self.run.resources.deployment(name).map(|made| made.status);
        let of_app = |id: &&String| id.starts_with(prefix);
        if let Some((_, error)) = self.run.outcome.failed.iter().find(|(id, _)| of_app(id)) {
            let failed = self.run.outcome.failed.contains_key(&deploy) || !self.run.outcome.changed.contains(&deploy);
            let status = if failed { AppStatus::Failed } else { seen.unwrap_or(AppStatus::Failed) };
            return (status, error.message().to_owned());
        }
        if let Some(reason) = self.run.draft.blueprint.unchanged.get(name) {
            // That it runs was observed before the plan was made; with less than `running` asked for, it is as deployed.
            let status = match self.run.draft.desired.follows {
                true => AppStatus::Running,
                false if self.is_pending(name) => AppStatus::Queued,
                false => AppStatus::Deployed,
            };
            return (status, format!("unchanged: {reason}"));
        }
        if let Some(status) = seen {
            let step = self.run.draft.blueprint.plan.steps.iter().find(|step| step.id == deploy);
            let reason = match self.run.outcome.skipped.get(&deploy) {
                Some(reason) => reason.clone(),
                None => step.map_or_else(String::new, |step| step.reason.clone()),
            };
            return (status, reason);
        }
        match self.run.outcome.skipped.get(&deploy) {
            // Nothing of it was tried: what stood before still stands.
            Some(reason) => (AppStatus::Skipped, reason.clone()),
            None if self.run.outcome.cancelled && self.run.outcome.changed.iter().any(|id| id.starts_with(prefix)) => {
                (AppStatus::Failed, "the run was cancelled before it was deployed whole".to_owned())
            }
            None if self.run.outcome.cancelled => {
                (AppStatus::Skipped, "the run was cancelled before it was deployed".to_owned())
            }
            None => (AppStatus::Skipped, "nothing of it was part of this run".to_owned()),
        }
    }

    /// Whether a deployment of the app was found waiting or under way, where it is enough that it is queued.
    fn is_pending(&self, name: &str) -> bool {
        self.run.draft.observed.applications.get(name).is_some_and(|found| !found.pending.is_empty())
    }

    fn domain(&self, name: &str) -> DomainStatus {
        if !self.run.draft.desired.domains {
            return DomainStatus::None;
        }
        if let Some(status) = self.run.resources.domains.get(name).and_then(Output::get) {
            return status;
        }
        if self.is_planned(&format!("app:{name}:domain")) { DomainStatus::Pending } else { DomainStatus::Attached }
    }

    fn dns(&self) -> DnsReport {
        let hosts = self.run.draft.desired.hosts.iter().map(|(host, desired)| {
            let write = format!("dns:{host}");
            let verify = format!("dns:{host}:verify");
            let record = match &desired.zone {
                None => RecordStatus::None,
                Some(zone) if zone.manual => RecordStatus::Manual,
                Some(_) if self.run.outcome.failed.contains_key(&write) => RecordStatus::Failed,
                Some(_) if self.run.outcome.changed.contains(&write) => self.written(&write),
                Some(_) if self.run.outcome.cancelled && self.is_planned(&write) => RecordStatus::Pending,
                Some(_) => RecordStatus::Unchanged,
            };
            let unverified = self.run.resources.unverified(host);
            let failed = self.run.outcome.failed.contains_key(&verify) || self.run.outcome.failed.contains_key(&write);
            let planned = self.run.draft.blueprint.operations.contains_key(&verify);
            let done = !planned || self.run.outcome.changed.contains(&verify);
            let manual = matches!(record, RecordStatus::Manual | RecordStatus::None);
            let proxied = self.proxied(host, desired);
            let reason = match record {
                RecordStatus::None => Some(HostReason::NoZone),
                RecordStatus::Manual => Some(HostReason::Manual),
                _ if failed => Some(HostReason::Failed),
                _ if unverified.is_some() || !done => Some(HostReason::NotAnswering),
                _ => proxied.as_ref().map(|_| HostReason::Proxied),
            };
            let replaced = self.run.draft.observed.records.get(host).filter(|_| record == RecordStatus::Updated);
            HostReport {
                host: host.clone(),
                app_name: desired.app.clone(),
                zone: desired.zone.as_ref().map(|zone| zone.root.clone()),
                name: desired.zone.as_ref().map(|zone| zone.name.clone()),
                provider: desired.zone.as_ref().map(|zone| zone.provider.clone()),
                record,
                value: self.run.draft.desired.server_ip.map(|ip| ip.to_string()),
                replaced: replaced.map(|found| found.values.clone()).unwrap_or_default(),
                verified: !manual && !failed && unverified.is_none() && done,
                reason,
                message: unverified.or_else(|| self.instruction(host, record)).or(proxied),
            }
        });
        DnsReport { server_ip: self.run.draft.desired.server_ip.map(|ip| ip.to_string()), hosts: hosts.collect() }
    }

    /// Whether a step was to change something.
    fn is_planned(&self, id: &str) -> bool {
        self.run.draft.blueprint.operations.get(id).is_some_and(|operation| *operation != Operation::Keep)
    }

    fn written(&self, id: &str) -> RecordStatus {
        let step = self.run.draft.blueprint.plan.steps.iter().find(|step| step.id == id);
        match step.map(|step| step.action) {
            Some(Action::Create) => RecordStatus::Created,
            _ => RecordStatus::Updated,
        }
    }

    /// Who answers for a host name in our place.
    fn proxied(&self, host: &str, desired: &DesiredHost) -> Option<String> {
        let zone = desired
            .zone
            .as_ref()
            .filter(|_| self.run.draft.observed.records.get(host).is_some_and(|record| record.proxied))?;
        self.run.draft.desired.server_ip.map(|ip| proxied_message(host, &zone.provider, ip))
    }

    /// What the user has to do for a host name.
    fn instruction(&self, host: &str, record: RecordStatus) -> Option<String> {
        let ip = self.run.draft.desired.server_ip.map(|ip| ip.to_string());
        match (record, ip) {
            (RecordStatus::None, ip) => Some(unserved_message(host, ip.as_deref())),
            (RecordStatus::Manual, Some(ip)) => Some(format!("make this record by hand: {host} A {ip}")),
            _ => None,
        }
    }
}
