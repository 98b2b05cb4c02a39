use super::*;
use serde_json::json;

fn verified(number: usize, image: &str, given: &[(&str, &str)]) -> Verified {
    Verified {
        id: format!("id{number}"),
        at: format!("2026-11-{:02}T00:00:00Z", number + 1),
        image: image.to_owned(),
        given: given.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect(),
        ours: ["DATABASE_URL", "PORT"].map(str::to_owned).into(),
        credentials: "c1".to_owned(),
        release: String::new(),
        health: None,
    }
}

fn ids(history: &History, app: &str) -> Vec<String> {
    history.deployments(app).iter().map(|past| past.id.clone()).collect()
}

#[test]
fn the_last_five_are_kept_with_their_values() {
    let mut history = History::default();
    for number in 0..7 {
        history.remember("api", verified(number, &format!("api@{number}"), &[("KEY", &format!("v{}", number / 2))]));
    }
    assert_eq!(ids(&history, "api"), ["id2", "id3", "id4", "id5", "id6"]);
    let oldest = history.environment(&history.deployments("api")[0]).unwrap();
    assert_eq!(oldest.given["KEY"].expose(), "v1");
    assert!(oldest.ours.contains("DATABASE_URL"));
    assert_eq!(history.values.len(), 3, "values that no deployment has any more are gone");
    assert_eq!(history.current("api").unwrap().id, "id6");
}

#[test]
fn the_same_again_is_no_other_deployment_whatever_its_credentials() {
    let mut history = History::default();
    history.remember("api", verified(0, "api@0", &[("KEY", "a")]));
    history.remember("api", Verified { credentials: "c2".to_owned(), ..verified(1, "api@0", &[("KEY", "a")]) });
    assert_eq!(ids(&history, "api"), ["id0"]);
    assert_eq!(history.current("api").unwrap().credentials, "c2");
}

#[test]
fn one_that_an_app_went_back_to_is_current_and_those_after_it_are_left() {
    let mut history = History::default();
    for number in 0..3 {
        history.remember("api", verified(number, &format!("api@{number}"), &[]));
    }
    history.remember_return("api", verified(3, "api@1", &[]));
    assert_eq!(history.current("api").unwrap().id, "id1");
    let left: Vec<bool> = history.deployments("api").iter().map(|past| past.left).collect();
    assert_eq!(left, [false, false, true]);
    history.remember("api", verified(4, "api@4", &[]));
    assert_eq!(history.current("api").unwrap().id, "id4");
    history.remember_return("api", verified(5, "api@2", &[]));
    assert!(!history.deployments("api")[2].left, "it runs again");
}

#[test]
fn a_deployment_like_an_earlier_one_is_the_newest() {
    let mut history = History::default();
    for (number, image) in ["api@0", "api@1", "api@0"].into_iter().enumerate() {
        history.remember("api", verified(number, image, &[("KEY", "a")]));
    }
    assert_eq!(ids(&history, "api"), ["id1", "id2"]);
    assert_eq!(history.current("api").unwrap().at, "2026-11-03T00:00:00Z");
    assert!(history.deployments("api").iter().all(|past| !past.left));
    // The app went back, and is deployed again with what it went back from.
    history.remember_return("api", verified(3, "api@1", &[("KEY", "a")]));
    history.remember("api", verified(4, "api@0", &[("KEY", "a")]));
    assert_eq!(
        (ids(&history, "api"), history.current("api").unwrap().id.as_str()),
        (vec!["id1".into(), "id4".into()], "id4")
    );
}

#[test]
fn what_an_app_went_back_from_is_forgotten_first() {
    let mut history = History::default();
    for number in 0..5 {
        history.remember("api", verified(number, &format!("api@{number}"), &[]));
    }
    history.remember_return("api", verified(5, "api@0", &[]));
    history.remember("api", verified(6, "api@6", &[]));
    assert_eq!(ids(&history, "api"), ["id0", "id2", "id3", "id4", "id6"]);
    for _ in 0..3 {
        assert!(history.forget_oldest());
    }
    assert_eq!(ids(&history, "api"), ["id0", "id6"]);
    assert!(history.forget_oldest() && !history.forget_oldest());
    assert_eq!(ids(&history, "api"), ["id6"]);
}

#[test]
fn a_history_that_has_to_shrink_loses_its_oldest_and_never_what_runs() {
    let mut history = History::default();
    for number in 0..3 {
        history.remember("api", verified(2 * number, &format!("api@{number}"), &[("KEY", "a")]));
        history.remember("web", verified(2 * number + 1, &format!("web@{number}"), &[("KEY", "b")]));
    }
    history.remember_return("web", verified(9, "web@0", &[("KEY", "b")]));
    let mut steps = 0;
    while history.forget_oldest() {
        steps += 1;
    }
    assert_eq!((steps, ids(&history, "api"), ids(&history, "web")), (4, vec!["id4".into()], vec!["id1".into()]));
    history.forget("web");
    assert_eq!(history.values.values().map(Secret::expose).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn what_the_server_has_is_left_out_and_learnt_again() {
    let mut history = History::default();
    for number in 0..2 {
        history.remember("api", verified(number, &format!("api@{number}"), &[("KEY", &format!("v{number}"))]));
    }
    let whole = history.clone();
    let mut replaced = history.clone();
    replaced.about_to_replace("api");
    replaced.leave_out_current();
    assert!(replaced.is_complete(replaced.current("api").unwrap()), "the server has another one by then");
    history.leave_out_current();
    let current = history.current("api").unwrap();
    assert_eq!((current.id.as_str(), current.image.as_str()), ("id1", ""));
    assert!(!history.is_complete(current) && history.is_complete(&history.deployments("api")[0]));
    assert_eq!(history.secrets().map(Secret::expose).collect::<Vec<_>>(), ["v0"]);
    history.learn("api", verified(7, "api@1", &[("KEY", "v1")]));
    assert_eq!(history, whole);
    history.leave_out_current();
    history.remember("api", verified(2, "api@2", &[]));
    assert_eq!(ids(&history, "api"), ["id0", "id2"], "one that was never learnt again cannot be brought back");
}

#[test]
fn names_that_collide_grow() {
    let mut map = BTreeMap::new();
    assert_eq!(insert(&mut map, "aaaaaaaa00", 1), "aaaaaaaa");
    assert_eq!(insert(&mut map, "aaaaaaaa11", 2), "aaaaaaaa1");
    assert_eq!(insert(&mut map, "aaaaaaaa11", 2), "aaaaaaaa1");
}

#[test]
fn i5_fields_of_other_versions_survive() {
    let stored = json!({
        "later": 1,
        "apps": { "api": { "more": true, "deployments": [
            { "id": "a", "at": "2026-01-01T00:00:00Z", "image": "i", "env": "gone", "extra": [1] }
        ] } },
    });
    let history: History = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(serde_json::to_value(&history).unwrap(), stored);
    assert_eq!(history.environment(&history.deployments("api")[0]), None, "its values are not there");
}

/// Five apps with ten variables each, of which the shared ones are the same, and five deployments that each change two
/// images.
#[test]
fn a_usual_history_is_small() {
    let mut history = History::default();
    let given: Vec<(String, String)> = (0..6).map(|n| (format!("SERVICE_{n}_KEY"), format!("{n:0>40}"))).collect();
    let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for run in 0..5 {
        for (index, app) in ["api", "auth", "admin-auth", "web", "admin"].into_iter().enumerate() {
            let changes = run == 0 || index % 3 == run % 3;
            let number = if changes { run } else { 0 };
            let image = format!("ghcr.io/org/{app}@sha256:{number:064x}");
            let mut past = verified(run, &image, &given);
            past.id = format!("{run}{index}abcdef");
            if changes {
                history.remember(app, past);
            }
        }
    }
    let bytes = serde_json::to_string(&history).unwrap().len();
    assert!(bytes < 3_500, "{bytes} bytes");
}
