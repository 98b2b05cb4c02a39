//! Many apps: SQL that is longer than one argument of a program, and a proof that fills a log.

use crate::internal_database_access::Inside;
use deploy_native::plan::DatabaseRoute;
use deploy_native_test_support::digest;
use serde_json::{Value, json};

/// How many apps have a role.
const APPS: usize = 60;
/// How many of them share their tables.
const SHARING: usize = 26;
/// The longest argument that Linux passes to a program.
const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;

fn name(number: usize) -> String {
    format!("an-app-whose-name-is-rather-long-and-says-what-it-does-{number:02}")
}

/// Some apps share their tables with all others, so that what is wanted is longer than one argument can be, and the proof
/// longer than what the server gives of a log at once.
fn many(request: &mut Value) {
    let names: Vec<String> = (0..APPS).map(name).collect();
    let (mut apps, mut images) = (json!({}), json!({}));
    for (number, name) in names.iter().enumerate() {
        let others: Vec<&String> = names.iter().filter(|other| number < SHARING && *other != name).collect();
        apps[name] = json!({
            "type": "backend", "path": format!("apps/{name}"), "port": 3000 + number,
            "requiredEnv": ["DATABASE_URL"], "sharedWith": others,
        });
        images[name] = format!("registry.test/{name}@sha256:{}", digest(&format!("{number}"))).into();
    }
    (request["workspace"]["apps"], request["images"], request["apps"]) = (apps, images, json!(names));
}

#[tokio::test]
async fn sixty_apps_that_share_with_each_other_take_several_arguments_and_no_port() {
    let world = Inside::with(|builder| builder).await.wanting(many);
    let report = world.apply("auto").await.unwrap();
    let taken = report.database_access.unwrap();
    assert_eq!(taken.way, DatabaseRoute::Internal, "{taken:?}");
    let isolation = report.isolation.unwrap();
    assert!(isolation.broken.is_empty(), "{:?}", isolation.broken.first());
    assert!(isolation.matrix.len() > APPS * APPS, "{}", isolation.matrix.len());
    let updates = world.world.simulator.requests().into_iter().filter(|it| it.endpoint() == "application.update");
    let commands: Vec<Vec<String>> = updates
        .filter_map(|update| {
            let args = update.body?["args"].as_array()?.clone();
            Some(args.iter().filter_map(|arg| Some(arg.as_str()?.to_owned())).collect())
        })
        .collect();
    assert!(commands.iter().flatten().all(|argument| argument.len() <= LONGEST_ARGUMENT));
    let texts = |args: &Vec<String>| args.iter().filter(|argument| *argument == "-c").count();
    // The script's parts, and the command that makes psql stay.
    assert!(commands.iter().any(|args| texts(args) > 2), "{:?}", commands.iter().map(texts).collect::<Vec<_>>());
    let searched = world.world.simulator.requests().into_iter().filter(|it| it.query.contains_key("search")).count();
    assert!(searched > 0, "the log of the proof is longer than the server gives at once");
    assert_eq!(world.world.simulator.count("postgres.saveExternalPort"), 0);
    assert_eq!(world.jobs(), Vec::<String>::new());
}
