//! The domains of applications: attached under today's host name, then detached under a former one.

use super::blueprint::Draft;
use super::desired::DesiredApp;
use super::observed::{Observed, ObservedApplication, ObservedDomain, Ownership};
use super::operation::Operation;
use super::record::verify_id;
use super::step::{Action, Step};
use crate::state::State;
use std::collections::BTreeMap;

/// The id of the step that attaches an app's domain.
fn attach_id(app: &str) -> String {
    format!("app:{app}:domain")
}

/// Adds the step that attaches an app's domain, or sets it right.
pub(super) fn attach(draft: &mut Draft<'_>, desired: &DesiredApp, found: Option<&ObservedApplication>) {
    if !draft.desired.domains {
        return;
    }
    let id = attach_id(&desired.name);
    let resource = format!("domain {}", desired.host);
    let domains = found.map(|found| found.domains.as_slice()).unwrap_or_default();
    let at_host = || domains.iter().filter(|domain| is_at(domain, &desired.host));
    // Ours before one that somebody else put beside it.
    let attached = at_host().find(|domain| draft.state.deploy_native.domains.has(&domain.id)).or(at_host().next());
    if attached.is_some_and(|domain| domain.off) {
        draft
            .note(format!("{resource} is switched off on the server, and stays so: nothing leads to {}", desired.name));
    }
    let (action, reason) = match attached {
        Some(domain) if is_as_we_make_it(domain, desired.port) => return draft.keep(&id, &resource, "attached"),
        Some(_) => {
            (Action::Update, format!("it must lead to port {} from every path, with a certificate", desired.port))
        }
        None => (Action::Create, format!("leads to port {}", desired.port)),
    };
    let mut step = Step::new(&id, action, &resource, &reason).of(&desired.name);
    step.depends_on =
        draft.only_changing([format!("app:{}:create", desired.name).as_str(), verify_id(&desired.host).as_str()]);
    draft.push(
        step,
        Operation::AttachDomain { app: desired.name.clone(), existing: attached.map(|domain| domain.id.clone()) },
    );
}

/// Adds the steps that detach domains that we attached under host names which their apps no longer have; to be called when
/// every app has its other steps.
pub(super) fn detach_former(draft: &mut Draft<'_>) {
    if !draft.desired.domains {
        return;
    }
    for desired in draft.desired.apps.values() {
        let domains = draft.observed.applications.get(&desired.name).map(|found| found.domains.as_slice());
        for domain in domains.unwrap_or_default() {
            if !is_at(domain, &desired.host) && draft.state.deploy_native.domains.has(&domain.id) {
                detach(draft, desired, domain);
            }
        }
    }
}

fn detach(draft: &mut Draft<'_>, desired: &DesiredApp, domain: &ObservedDomain) {
    let mut id = format!("app:{}:domain:{}", desired.name, domain.host);
    if draft.changes(&id) {
        id = format!("{id}:{}", domain.id);
    }
    let reason = format!("the app is now at {}", desired.host);
    let mut step = Step::new(&id, Action::Delete, &format!("domain {}", domain.host), &reason).of(&desired.name);
    // It goes when its host name leads somewhere else, or else when the app is reached under another one: never before.
    let taker = draft.desired.apps.values().find(|other| is_at(domain, &other.host)).unwrap_or(desired);
    let first = [attach_id(&taker.name), verify_id(&taker.host)];
    step.depends_on = draft.only_changing(first.iter().map(String::as_str));
    let operation = Operation::DetachDomain {
        app: desired.name.clone(),
        id: domain.id.clone(),
        host: domain.host.clone(),
        waits_for: taker.host.clone(),
    };
    draft.push(step, operation);
}

fn is_at(domain: &ObservedDomain, host: &str) -> bool {
    domain.host.eq_ignore_ascii_case(host)
}

fn is_as_we_make_it(domain: &ObservedDomain, port: u16) -> bool {
    let everywhere = domain.path.as_deref().is_none_or(|path| path == "/");
    domain.port == Some(port) && domain.https && domain.certificate_type == "letsencrypt" && everywhere
}

/// Makes what the state knows of domains agree with the server: what is gone is forgotten, and where the state does not know
/// an application of ours, because it was lost, its domain counts as ours as well. `hosts` has the host name and the port of
/// each app. To be called before the applications themselves are recovered. Returns what was recovered, in words.
///
/// A domain has no place for a mark, so it takes three things together: it is attached to an application that carries our
/// mark (which is why an unknown one counts as ours), it has the very host name that the workspace gives this app, and it
/// is set in every respect as we set it. Whoever else made such a one made what we would make now, and lost is only that it
/// outlives a change of the app's host name. One with another host name may be somebody's own: it stays.
pub fn recover_domains(state: &mut State, observed: &Observed, hosts: &BTreeMap<String, (String, u16)>) -> Vec<String> {
    forget_gone(state, observed);
    let mut recovered = Vec::new();
    for (name, application) in &observed.applications {
        let lost = application.ownership == Ownership::Ours && state.applications.get(name) != Some(&application.id);
        let Some((host, port)) = hosts.get(name).filter(|_| lost) else { continue };
        let alike = application.domains.iter().filter(|domain| is_at(domain, host) && is_as_we_make_it(domain, *port));
        // Of several alike nobody can say which one is ours.
        if let [only] = alike.collect::<Vec<_>>().as_slice()
            && !state.deploy_native.domains.has(&only.id)
        {
            state.deploy_native.domains.insert(host.clone(), only.id.clone());
            recovered.push(format!("the domain of {name}"));
        }
    }
    recovered
}

/// Forgets the domains that are gone: a run was interrupted after it had detached them, or somebody removed them by hand.
fn forget_gone(state: &mut State, observed: &Observed) {
    // Those of an app that the workspace no longer declares are not looked at, and those on another server neither.
    if !observed.orphans.is_empty() || observed.former_server.is_some() {
        return;
    }
    let stands = |id: &str| observed.applications.values().flat_map(|found| &found.domains).any(|it| it.id == id);
    state.deploy_native.domains.retain(|_, id| stands(id));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(id: &str, host: &str) -> ObservedDomain {
        ObservedDomain {
            id: id.into(),
            host: host.into(),
            port: Some(3000),
            https: true,
            certificate_type: "letsencrypt".into(),
            path: Some("/".into()),
            off: false,
        }
    }

    fn api(domains: Vec<ObservedDomain>) -> Observed {
        let found = ObservedApplication {
            id: "a".into(),
            ownership: Ownership::Ours,
            domains,
            ..ObservedApplication::default()
        };
        Observed { applications: [("api".to_owned(), found)].into(), ..Observed::default() }
    }

    fn known(state: &State, observed: &Observed) -> Vec<String> {
        let mut state = state.clone();
        recover_domains(&mut state, observed, &[("api".to_owned(), ("api.test".to_owned(), 3000))].into());
        let domains = &state.deploy_native.domains;
        domains.hosts().flat_map(|host| domains.ids(host)).cloned().collect()
    }

    #[test]
    fn i8_a_domain_counts_as_ours_only_when_the_state_was_lost_and_it_is_in_every_respect_as_we_make_it() {
        let mut state = State::new("staging");
        assert_eq!(known(&state, &api(vec![domain("1", "API.test"), domain("2", "other.test")])), ["1"]);
        assert_eq!(known(&state, &api(vec![domain("1", "api.test"), domain("2", "api.test")])), [""; 0]);
        let other = [
            ObservedDomain { port: Some(3001), ..domain("1", "api.test") },
            ObservedDomain { https: false, ..domain("1", "api.test") },
            ObservedDomain { path: Some("/v1".into()), ..domain("1", "api.test") },
            ObservedDomain { certificate_type: "none".into(), ..domain("1", "api.test") },
        ];
        for other in other {
            assert_eq!(known(&state, &api(vec![other])), [""; 0]);
        }
        let mut foreign = api(vec![domain("1", "api.test")]);
        foreign.applications.get_mut("api").unwrap().ownership = Ownership::Foreign;
        assert_eq!(known(&state, &foreign), [""; 0]);
        state.applications.insert("api".into(), "a".into());
        assert_eq!(known(&state, &api(vec![domain("1", "api.test")])), [""; 0], "somebody has attached it since");
    }

    #[test]
    fn i3_a_domain_that_is_gone_is_forgotten_where_all_were_looked_at() {
        let mut state = State::new("staging");
        state.applications.insert("api".into(), "a".into());
        state.deploy_native.domains.insert("api.test", "1");
        state.deploy_native.domains.insert("former.test", "2");
        let mut observed = api(vec![domain("1", "api.test")]);
        assert_eq!(known(&state, &observed), ["1"]);
        observed.orphans.push("old".into());
        assert_eq!(known(&state, &observed), ["1", "2"]);
        observed.orphans.clear();
        observed.former_server = Some("https://other.test".into());
        assert_eq!(known(&state, &observed), ["1", "2"]);
    }
}
