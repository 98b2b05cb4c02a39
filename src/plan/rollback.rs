//! To which of its earlier deployments each app goes back.

use super::fingerprint::DeploymentTitle;
use super::observed::{Observed, Runs};
use crate::state::{History, PastDeployment, PastEnvironment, State};
use crate::{DeployError, ErrorCode};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How the apps stand on the server, in view of what was seen running of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Today {
    /// Those that do not run what was seen running last: they are gone, or a later deployment of them has failed. That is
    /// where they go back to.
    pub astray: BTreeSet<String>,
    /// Those that run what was seen running last, and of which the server stores nothing else.
    pub settled: BTreeSet<String>,
    /// Those that the last run has changed, where it has failed.
    pub failed_run: BTreeSet<String>,
}

/// Finds out how the apps stand that the history knows.
pub fn look_at_today(state: &State, observed: &Observed) -> Today {
    let history = &state.deploy_native.history;
    let runs = |app: &str| {
        let (Some(found), Some(current)) = (observed.applications.get(app), history.current(app)) else { return false };
        // Somebody may have deployed it once more by hand.
        let alike = |past: PastEnvironment| past.given.iter().all(|(name, value)| found.env.get(name) == Some(value));
        let same = found.image.as_ref() == Some(&current.image) && history.environment(current).is_some_and(alike);
        same && matches!(found.runs, Runs::AsStored { .. })
    };
    let title = |app: &str| observed.applications.get(app)?.newest_title.clone();
    let deployed = |app: &str| state.deploy_native.deployed.get(app).map(|deployed| deployed.title.clone());
    let serial = |app: &str| DeploymentTitle::parse(&title(app)?)?.serial;
    let apps: Vec<&str> = history.apps().collect();
    let failed: Vec<&str> = apps
        .iter()
        .copied()
        .filter(|app| observed.applications.contains_key(*app) && title(app) != deployed(app) && !runs(app))
        .collect();
    let newest = failed.iter().filter_map(|app| serial(app)).max();
    let of_failed_run = |app: &&str| failed.contains(app) || (newest.is_some() && serial(app) >= newest);
    let is_last = apps.iter().filter_map(|app| serial(app)).max() <= newest;
    let gone = apps.iter().copied().filter(|app| !observed.applications.contains_key(*app));
    let failed_run = apps.iter().copied().filter(|app| is_last && !failed.is_empty() && of_failed_run(app));
    Today {
        failed_run: failed_run.map(str::to_owned).collect(),
        settled: apps.iter().copied().filter(|app| runs(app)).map(str::to_owned).collect(),
        astray: gone.chain(failed.iter().copied()).map(str::to_owned).collect(),
    }
}

/// Chooses the deployment that each app goes back to; apps that run it already are left out.
///
/// `apps`: those that are asked for, else all that the history knows. `to`: a moment as ISO 8601, for how the apps were
/// deployed then, or the id of a deployment, for how they were deployed when it was made. Without it, each app of `apps`
/// goes back by one; where none is named, those that the last run changed do. What an app went back from before is passed
/// by unless `to` names it.
///
/// # Errors
///
/// `INVALID_REQUEST` when nothing has the id that `to` names; `NO_EARLIER_DEPLOYMENT` when there is nothing to go back to.
pub fn choose_past(
    history: &History,
    apps: Option<&[String]>,
    to: Option<&str>,
    today: &Today,
) -> Result<BTreeMap<String, PastDeployment>, DeployError> {
    let selected: Vec<&str> = match apps {
        Some(apps) => apps.iter().map(String::as_str).collect(),
        None => history.apps().collect(),
    };
    let chosen: BTreeMap<String, PastDeployment> = if let Some(to) = to {
        let point = Point::of(history, &selected, to)?;
        selected.iter().filter_map(|app| Some(((*app).to_owned(), point.at(history, app)?.clone()))).collect()
    } else {
        let last_run = selected.iter().filter_map(|app| history.current(app)).map(|past| &past.at).max().cloned();
        let of_last_run = |app: &str| {
            let failed = &today.failed_run;
            if failed.is_empty() {
                history.current(app).map(|past| &past.at) == last_run.as_ref()
            } else {
                failed.contains(app)
            }
        };
        let goes = |app: &&&str| apps.is_some() || of_last_run(app);
        let before = |app: &&str| {
            let last = history.current(app).filter(|past| today.astray.contains(*app) && history.is_complete(past));
            Some(((*app).to_owned(), last.or_else(|| before_current(history, app))?.clone()))
        };
        selected.iter().filter(goes).filter_map(before).collect()
    };
    let runs = |app: &str, past: &PastDeployment| {
        !today.astray.contains(app) && history.current(app).is_some_and(|current| current.id == past.id)
    };
    let chosen: BTreeMap<_, _> = chosen.into_iter().filter(|(app, past)| !runs(app, past)).collect();
    if chosen.is_empty() {
        return Err(nothing(&selected, to));
    }
    Ok(chosen)
}

/// The deployment before the one that runs.
fn before_current<'a>(history: &'a History, app: &str) -> Option<&'a PastDeployment> {
    let current = history.current(app)?;
    let earlier = history.deployments(app).iter().take_while(|past| past.id != current.id);
    earlier.filter(|past| !past.left && history.is_complete(past)).last()
}

/// A point in the history.
struct Point {
    moment: OffsetDateTime,
    /// The deployment that was named.
    named: Option<String>,
}

impl Point {
    fn of(history: &History, apps: &[&str], to: &str) -> Result<Self, DeployError> {
        if let Ok(moment) = OffsetDateTime::parse(to, &Rfc3339) {
            return Ok(Self { moment, named: None });
        }
        let mut deployments = apps.iter().flat_map(|app| history.deployments(app));
        let named = deployments.find(|past| past.id == to);
        match named.and_then(|past| Some((OffsetDateTime::parse(&past.at, &Rfc3339).ok()?, past.id.clone()))) {
            Some((moment, id)) => Ok(Self { moment, named: Some(id) }),
            None => Err(unknown(history, apps, to)),
        }
    }

    /// The deployment of an app that was the newest one then.
    fn at<'a>(&self, history: &'a History, app: &str) -> Option<&'a PastDeployment> {
        let deployments = history.deployments(app);
        if let Some(named) = deployments.iter().find(|past| self.named.as_ref() == Some(&past.id)) {
            // The one that runs is the server's to know.
            return Some(named).filter(|past| history.is_complete(past) || is_current(history, app, past));
        }
        let made = |past: &&PastDeployment| {
            !past.left
                && (history.is_complete(past) || is_current(history, app, past))
                && OffsetDateTime::parse(&past.at, &Rfc3339).is_ok_and(|at| at <= self.moment)
        };
        deployments.iter().rfind(made)
    }
}

fn is_current(history: &History, app: &str, past: &PastDeployment) -> bool {
    history.current(app).is_some_and(|current| current.id == past.id)
}

fn unknown(history: &History, apps: &[&str], to: &str) -> DeployError {
    let known: Vec<String> = apps
        .iter()
        .flat_map(|app| history.deployments(app).iter().map(move |past| format!("{} ({app}, {})", past.id, past.at)))
        .collect();
    let hint = if known.is_empty() {
        "No deployment is remembered yet".to_owned()
    } else {
        format!("Name a moment as ISO 8601, or one of: {}", known.join(", "))
    };
    DeployError::new(ErrorCode::InvalidRequest, format!("to: there is no deployment `{}`", to.escape_debug()))
        .hint(hint)
}

fn nothing(apps: &[&str], to: Option<&str>) -> DeployError {
    let which = if apps.is_empty() { "the stage".to_owned() } else { apps.join(", ") };
    let message = match to {
        Some(to) => format!("{which}: nothing else was seen running at `{}`", to.escape_debug()),
        None => format!("{which}: no earlier deployment is remembered that was seen running"),
    };
    DeployError::new(ErrorCode::NoEarlierDeployment, message)
        .hint("Deploy what you want to run: with `images`, an image that was built before is taken as it is")
}

#[cfg(test)]
mod tests {
    use super::super::past::{Declared, complete_history};
    use super::super::tests::{desired, settled};
    use super::*;
    use crate::state::Verified;
    use crate::workspace::Health;

    /// Runs in the order of the days of a month, each with the apps that it deployed and their images.
    fn history(runs: &[&[(&str, &str)]]) -> History {
        let mut history = History::default();
        for (day, apps) in runs.iter().enumerate() {
            for (app, image) in *apps {
                let id = format!("{app}-{}", day + 1);
                let at = format!("2026-11-{:02}T12:00:00Z", day + 1);
                let image = (*image).to_owned();
                history.remember(app, Verified { id, at, image, ..Verified::default() });
            }
        }
        history
    }

    fn chosen(history: &History, apps: Option<&[&str]>, to: Option<&str>) -> Vec<String> {
        let apps: Option<Vec<String>> = apps.map(|apps| apps.iter().map(|app| (*app).to_owned()).collect());
        let chosen = choose_past(history, apps.as_deref(), to, &Today::default()).unwrap();
        chosen.into_values().map(|past| past.id).collect()
    }

    fn refusal(history: &History, apps: Option<&[&str]>, to: Option<&str>) -> DeployError {
        let apps: Option<Vec<String>> = apps.map(|apps| apps.iter().map(|app| (*app).to_owned()).collect());
        choose_past(history, apps.as_deref(), to, &Today::default()).unwrap_err()
    }

    #[test]
    fn a_stage_goes_back_by_what_the_last_run_changed() {
        let history = history(&[&[("api", "a"), ("web", "a")], &[("web", "b")], &[("api", "b")]]);
        assert_eq!(chosen(&history, None, None), ["api-1"]);
        assert_eq!(chosen(&history, Some(&["web"]), None), ["web-1"]);
        assert_eq!(chosen(&history, Some(&["web", "api"]), None), ["api-1", "web-1"]);
    }

    #[test]
    fn going_back_twice_goes_back_by_two_and_never_to_what_was_left() {
        let mut history = history(&[&[("api", "a")], &[("api", "b")], &[("api", "c")]]);
        let back = |history: &mut History, id: &str, image: &str| {
            let (id, at, image) = (id.to_owned(), "2026-11-20T00:00:00Z".to_owned(), image.to_owned());
            history.remember_return("api", Verified { id, at, image, ..Verified::default() });
        };
        assert_eq!(chosen(&history, None, None), ["api-2"]);
        back(&mut history, "x", "b");
        assert_eq!(chosen(&history, None, None), ["api-1"]);
        assert_eq!(chosen(&history, None, Some("api-3")), ["api-3"], "unless it is named");
        back(&mut history, "d", "d");
        assert_eq!(chosen(&history, None, None), ["api-2"], "what was left is passed by");
        back(&mut history, "y", "a");
        assert_eq!(refusal(&history, None, None).code(), ErrorCode::NoEarlierDeployment);
    }

    #[test]
    fn a_deployment_that_returns_to_an_earlier_configuration_is_the_last_run() {
        let history = history(&[&[("api", "off"), ("web", "a")], &[("web", "b")], &[("api", "on")], &[("api", "off")]]);
        assert_eq!(chosen(&history, None, None), ["api-3"]);
        assert_eq!(chosen(&history, None, Some("2026-11-03T13:00:00Z")), ["api-3"], "web runs what ran then");
    }

    #[test]
    fn what_ran_before_outlives_what_was_left() {
        let mut history =
            history(&[&[("api", "a")], &[("api", "b")], &[("api", "c")], &[("api", "d")], &[("api", "e")]]);
        let verified = |day: usize, image: &str| {
            let (id, at) = (format!("api-{day}"), format!("2026-11-{day:02}T12:00:00Z"));
            Verified { id, at, image: image.to_owned(), ..Verified::default() }
        };
        history.remember_return("api", verified(6, "a"));
        history.remember("api", verified(7, "f"));
        assert_eq!(chosen(&history, None, None), ["api-1"]);
    }

    #[test]
    fn a_moment_and_a_deployment_of_another_app_say_how_it_was_then() {
        let history = history(&[&[("api", "a"), ("web", "a")], &[("web", "b")], &[("api", "b"), ("web", "c")]]);
        assert_eq!(chosen(&history, None, Some("2026-11-02T13:00:00Z")), ["api-1", "web-2"]);
        assert_eq!(chosen(&history, None, Some("2026-11-02T14:00:00+02:00")), ["api-1", "web-2"]);
        assert_eq!(chosen(&history, None, Some("web-2")), ["api-1", "web-2"]);
        assert_eq!(chosen(&history, Some(&["web"]), Some("web-1")), ["web-1"]);
    }

    #[test]
    fn one_that_is_gone_comes_back_as_it_was_last() {
        let history = history(&[&[("api", "a")], &[("api", "b")]]);
        let today = Today { astray: ["api".to_owned()].into(), ..Today::default() };
        for to in [None, Some("api-2")] {
            let chosen = choose_past(&history, None, to, &today).unwrap();
            assert_eq!(chosen["api"].id, "api-2");
        }
    }

    #[test]
    fn after_a_run_that_failed_what_it_changed_goes_back_to_what_was_seen_running() {
        let history = history(&[&[("api", "a"), ("web", "a"), ("jobs", "a")], &[("jobs", "b")], &[("api", "b")]]);
        // The last run has deployed api, and failed at web.
        let failed_run = ["api", "web"].map(str::to_owned).into();
        let today = Today { astray: ["web".to_owned()].into(), failed_run, ..Today::default() };
        let chosen = choose_past(&history, None, None, &today).unwrap();
        let ids: Vec<&str> = chosen.values().map(|past| past.id.as_str()).collect();
        assert_eq!(ids, ["api-1", "web-1"]);
    }

    #[test]
    fn an_app_is_astray_when_it_is_gone_or_a_later_deployment_of_it_was_not_seen_running() {
        let desired = desired(Some("postgresql://api@db/shop"));
        let (mut observed, mut state) = settled(&desired);
        for app in ["api", "web"] {
            let declared = Declared { health: &Health::default(), dependencies: &[] };
            complete_history(&mut state, app, &observed.applications[app], &declared, "2026-11-01T00:00:00Z");
        }
        let settled = Today { settled: ["api", "web"].map(str::to_owned).into(), ..Today::default() };
        assert_eq!(look_at_today(&state, &observed), settled);
        let mut api = observed.applications["api"].clone();
        api.newest_title = Some("Manual deployment".into());
        observed.applications.insert("api".into(), api.clone());
        assert_eq!(look_at_today(&state, &observed), settled, "somebody has deployed the same by hand");
        api.newest_title = Some("deploy-native config=f run=n serial=9".into());
        api.runs = Runs::Something;
        observed.applications.insert("api".into(), api);
        observed.applications.remove("web");
        let today = look_at_today(&state, &observed);
        assert_eq!(today.astray, ["api", "web"].map(str::to_owned).into());
        assert_eq!(today.failed_run, ["api".to_owned()].into());
    }

    #[test]
    fn one_of_which_too_little_is_known_is_passed_by() {
        let mut history = history(&[&[("api", "a")], &[("api", "b")], &[("api", "c")]]);
        history.leave_out_current();
        assert_eq!(chosen(&history, None, None), ["api-2"]);
        let mut first = self::history(&[&[("api", "a")]]);
        first.leave_out_current();
        assert_eq!(refusal(&first, None, None).code(), ErrorCode::NoEarlierDeployment);
    }

    #[test]
    fn what_cannot_be_is_said_with_what_could() {
        let history = history(&[&[("api", "a")]]);
        for (apps, to) in
            [(None, None), (Some(&["web"][..]), None), (None, Some("2026-10-01T00:00:00Z")), (None, Some("api-1"))]
        {
            assert_eq!(refusal(&history, apps, to).code(), ErrorCode::NoEarlierDeployment, "{apps:?} {to:?}");
        }
        let error = refusal(&history, None, Some("nobody"));
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        assert!(error.hint_text().unwrap().contains("api-1 (api, 2026-11-01T12:00:00Z)"));
    }
}
