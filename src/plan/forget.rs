//! What an undeployment that was interrupted had removed from the server, and not from the state (I3).

use super::observed::Observed;
use super::record::owner;
use super::removal::RemovalRequest;
use crate::state::State;
use std::collections::BTreeSet;

/// Takes out of `state` what is to be removed and is gone already.
pub fn forget_vanished(state: &mut State, observed: &Observed, request: &RemovalRequest) {
    let selected = |app: &str| request.apps.as_ref().is_none_or(|apps| apps.contains(app));
    let stands = |app: &str, id: &str| observed.applications.get(app).is_some_and(|found| found.id == id);
    let gone: BTreeSet<String> = state
        .applications
        .iter()
        .filter(|(app, id)| selected(app) && !stands(app, id))
        .map(|(app, _)| app.clone())
        .collect();
    state.applications.retain(|app, _| !gone.contains(app));
    state.deploy_native.deployed.retain(|app, _| !gone.contains(app));
    let attached: BTreeSet<&str> = observed
        .applications
        .values()
        .flat_map(|application| application.domains.iter().map(|domain| domain.id.as_str()))
        .collect();
    let everything = request.apps.is_none();
    let record = |host: &str| state.dns_records.values().find(|record| record.host() == host);
    let app_of = |host: &str| match record(host) {
        Some(record) => owner(record, &request.hosts),
        None => request.hosts.get(host).map(String::as_str),
    };
    let is_removed = |host: &str| everything || app_of(host).is_some_and(selected);
    state.deploy_native.domains.retain(|host, id| attached.contains(id) || !is_removed(host));
    if request.delete_data && everything {
        if observed.postgres.is_none() {
            state.services.postgres_id = None;
            state.deploy_native.passwords.postgres = None;
            state.deploy_native.database = None;
        }
        if observed.redis.is_none() {
            state.services.redis_id = None;
            state.deploy_native.passwords.redis = None;
        }
    }
    if request.delete_project {
        if observed.environment.is_none() {
            state.environment_id = String::new();
        }
        if observed.project.is_none() {
            state.project_id = String::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ObservedApplication;

    fn state() -> State {
        let mut state = State::new("staging");
        for app in ["api", "web"] {
            state.applications.insert(app.into(), format!("id-{app}"));
            state.deploy_native.domains.insert(format!("{app}.shop.test"), format!("domain-{app}"));
        }
        (state.project_id, state.services.postgres_id) = ("p".into(), Some("pg".into()));
        state
    }

    fn observed() -> Observed {
        let api = ObservedApplication { id: "id-api".into(), ..ObservedApplication::default() };
        Observed { applications: [("api".to_owned(), api)].into(), ..Observed::default() }
    }

    #[test]
    fn i3_what_is_gone_and_to_be_removed_is_forgotten() {
        let mut state = state();
        let request = RemovalRequest { delete_data: true, delete_project: true, ..RemovalRequest::default() };
        forget_vanished(&mut state, &observed(), &request);
        assert_eq!(state.applications.keys().collect::<Vec<_>>(), ["api"]);
        assert!(state.deploy_native.domains.is_empty() && state.project_id.is_empty());
        assert_eq!(state.services.postgres_id, None);
    }

    #[test]
    fn i2_what_is_not_to_be_removed_is_remembered_though_it_is_gone() {
        let mut state = state();
        let request = RemovalRequest {
            apps: Some(BTreeSet::from(["api".to_owned()])),
            hosts: ["api", "web"].map(|app| (format!("{app}.shop.test"), app.to_owned())).into(),
            delete_data: true,
            ..RemovalRequest::default()
        };
        forget_vanished(&mut state, &observed(), &request);
        assert_eq!(state.applications.len(), 2);
        assert_eq!(state.deploy_native.domains.hosts().collect::<Vec<_>>(), ["web.shop.test"]);
        assert_eq!((state.project_id.as_str(), state.services.postgres_id.as_deref()), ("p", Some("pg")));
    }
}
