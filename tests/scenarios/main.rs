//! The scenarios by which a deployment is judged: one script, unchanged, on the simulator and on a real Dokploy.
//!
//! Without further ado it plays on the simulator; CONTRIBUTING.md says which variables point it at a real server. It
//! looks at the server only through its public API, prints an outcome per scenario, and leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "a test says by panicking that it failed")]
#![expect(unreachable_pub, reason = "the modules of a test share what they need")]

mod script;
mod stand;

use script::Play;
use stand::Stand;

/// What must come of each scenario, wherever it is played.
const OUTCOMES: [(&str, &str); 12] = [
    ("first deployment", "api=Running jobs=Running web=Running; port closed"),
    ("no-op", "0 changes"),
    ("one app changed", "changed: jobs"),
    ("an image that crashes", "DEPLOYMENT_FAILED rollback jobs; the old one runs"),
    ("an environment that crashes", "DEPLOYMENT_FAILED rollback jobs; the old one runs"),
    ("an image that does not exist", "DEPLOYMENT_FAILED deployment-error jobs; the old one runs"),
    ("a value with quotes and newlines", "arrived byte for byte; then 0 changes"),
    ("a port already taken", "jobs=Running; another port, closed; theirs untouched"),
    ("an application deleted by hand", "made again with the same secrets"),
    ("a same-named application of somebody else", "RESOURCE_NOT_OURS reports; theirs untouched"),
    ("two environments in one project", "one project, two environments, other secrets"),
    ("undeploy", "nothing of ours is left, theirs is"),
];

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the outcomes are to be compared")]
async fn every_scenario_has_the_outcome_that_it_has_everywhere() {
    let mut play = Play::begin(Stand::set_up().await);
    let mut wrong = Vec::new();
    for (name, expected) in OUTCOMES {
        let outcome = play.scenario(name).await;
        println!("{name}: {outcome}");
        if outcome != expected {
            wrong.push(format!("{name}: expected `{expected}`, got `{outcome}`"));
        }
    }
    play.clean_up().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
