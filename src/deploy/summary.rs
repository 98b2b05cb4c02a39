//! The report of a run, from what was planned and what became of it.

use super::apply::Outcome;
use super::ready::Ready;
use super::report::{
    AppReport, AppStatus, DatabaseAccessReport, DeployReport, DnsReport, DomainStatus, HostReport, RecordStatus,
};
use super::session::World;
use super::verify::proxied_message;
use crate::plan::{Blueprint, Desired, DesiredHost, Operation};
use crate::workspace::{App, AppType};
use std::time::Duration;

/// Puts the report together.
pub(super) fn summarize(
    ready: &Ready,
    world: &World,
    desired: &Desired,
    blueprint: &Blueprint,
    outcome: &Outcome,
    duration: Duration,
) -> DeployReport {
    let summary = Summary { world, desired, blueprint, outcome };
    let apps = ready.request.workspace.apps.iter();
    DeployReport {
        apps: apps.map(|(name, app)| summary.app(name, app)).collect(),
        project_id: world.project.clone().unwrap_or_default(),
        environment_id: world.environment.clone().unwrap_or_default(),
        changes: outcome.changed.len(),
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        dns: summary.dns(),
        database_access: summary.database_access(),
        retired_roles: world.retired.clone(),
        isolation: world.isolation.clone(),
    }
}

struct Summary<'a> {
    world: &'a World,
    desired: &'a Desired,
    blueprint: &'a Blueprint,
    outcome: &'a Outcome,
}

impl Summary<'_> {
    fn database_access(&self) -> Option<DatabaseAccessReport> {
        let desired = self.desired.database.as_ref()?;
        let applied = self.blueprint.operations.values().any(|operation| *operation == Operation::ApplyRoles);
        let (way, reason) = match &self.world.database_access {
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
            application_id: self.world.applications.get(name).map(|(id, _)| id.clone()),
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
        let Some(desired) = self.desired.apps.get(name) else { return report };
        report.host = Some(desired.host.clone());
        report.url = Some(format!("https://{}", desired.host));
        report.image = self.world.images.get(name).cloned();
        report.domain = self.domain(name);
        let prefix = format!("app:{name}:");
        report.changed = self.outcome.changed.iter().any(|id| id.starts_with(&prefix));
        (report.status, report.reason) = self.status(name, &prefix);
        report
    }

    /// How far an app came, and why; never more than was seen.
    fn status(&self, name: &str, prefix: &str) -> (AppStatus, String) {
        let deploy = format!("{prefix}deploy");
        let seen = self.world.status.get(name).copied();
        let of_app = |id: &&String| id.starts_with(prefix);
        if let Some((_, error)) = self.outcome.failed.iter().find(|(id, _)| of_app(id)) {
            let failed = self.outcome.failed.contains_key(&deploy) || !self.outcome.changed.contains(&deploy);
            let status = if failed { AppStatus::Failed } else { seen.unwrap_or(AppStatus::Failed) };
            return (status, error.message().to_owned());
        }
        if let Some(reason) = self.blueprint.unchanged.get(name) {
            // That it runs was observed before the plan was made; with less than `running` asked for, it is as deployed.
            let status = match self.desired.follows {
                true => AppStatus::Running,
                false if self.world.pending.contains(name) => AppStatus::Queued,
                false => AppStatus::Deployed,
            };
            return (status, format!("unchanged: {reason}"));
        }
        if let Some(status) = seen {
            let step = self.blueprint.plan.steps.iter().find(|step| step.id == deploy);
            let reason = match self.outcome.skipped.get(&deploy) {
                Some(reason) => reason.clone(),
                None => step.map_or_else(String::new, |step| step.reason.clone()),
            };
            return (status, reason);
        }
        match self.outcome.skipped.get(&deploy) {
            // Nothing of it was tried: what stood before still stands.
            Some(reason) => (AppStatus::Skipped, reason.clone()),
            None => (AppStatus::Skipped, "nothing of it was part of this run".to_owned()),
        }
    }

    fn domain(&self, name: &str) -> DomainStatus {
        if !self.desired.domains {
            return DomainStatus::None;
        }
        if let Some(status) = self.world.domains.get(name) {
            return *status;
        }
        let id = format!("app:{name}:domain");
        let planned = self.blueprint.operations.get(&id).is_some_and(|it| *it != crate::plan::Operation::Keep);
        if planned { DomainStatus::Pending } else { DomainStatus::Attached }
    }

    fn dns(&self) -> DnsReport {
        let hosts = self.desired.hosts.iter().map(|(host, desired)| {
            let write = format!("dns:{host}");
            let verify = format!("dns:{host}:verify");
            let record = match &desired.zone {
                None => RecordStatus::None,
                Some(zone) if zone.manual => RecordStatus::Manual,
                Some(_) if self.outcome.failed.contains_key(&write) => RecordStatus::Failed,
                Some(_) if self.outcome.changed.contains(&write) => self.written(&write),
                Some(_) => RecordStatus::Unchanged,
            };
            let message = self.world.unverified.get(host).cloned();
            let failed = self.outcome.failed.contains_key(&verify) || self.outcome.failed.contains_key(&write);
            let planned = self.blueprint.operations.contains_key(&verify);
            let done = !planned || self.outcome.changed.contains(&verify);
            let manual = matches!(record, RecordStatus::Manual | RecordStatus::None);
            HostReport {
                host: host.clone(),
                app_name: desired.app.clone(),
                provider: desired.zone.as_ref().map(|zone| zone.provider.clone()),
                record,
                verified: !manual && !failed && message.is_none() && done,
                message: message.or_else(|| self.instruction(host, record)).or_else(|| self.proxied(host, desired)),
            }
        });
        DnsReport { server_ip: self.desired.server_ip.map(|ip| ip.to_string()), hosts: hosts.collect() }
    }

    fn written(&self, id: &str) -> RecordStatus {
        let step = self.blueprint.plan.steps.iter().find(|step| step.id == id);
        match step.map(|step| step.action) {
            Some(crate::plan::Action::Create) => RecordStatus::Created,
            _ => RecordStatus::Updated,
        }
    }

    /// Who answers for a host name in our place.
    fn proxied(&self, host: &str, desired: &DesiredHost) -> Option<String> {
        let zone = desired.zone.as_ref().filter(|_| self.world.proxied.contains(host))?;
        self.desired.server_ip.map(|ip| proxied_message(host, &zone.provider, ip))
    }

    /// What the user has to do for a host name.
    fn instruction(&self, host: &str, record: RecordStatus) -> Option<String> {
        let ip = self.desired.server_ip?;
        (record == RecordStatus::Manual).then(|| format!("make this record by hand: {host} A {ip}"))
    }
}
