//! The seed's workspace, from nothing to running.

use deploy_native::deploy::AppStatus;
use deploy_native_test_support::{SERVER_IP, World};

#[tokio::test]
async fn the_seeds_workspace_is_deployed_and_a_second_run_makes_only_reads() {
    let world = World::start().await;
    let report = world.deploy(world.request()).await.unwrap();
    for app in &report.apps {
        assert_eq!(app.status, AppStatus::Running, "{app:?}");
    }
    let state = world.state().await;
    assert_eq!(state.applications.len(), 5);
    assert_eq!(state.app_credentials["admin-auth"].db_user, "admin-auth");
    assert_eq!(state.dns_verified["auth.staging.example.com"].server_ip, SERVER_IP);
    assert!(!state.last_deployed_at.is_empty());
    let before = (world.simulator.mutations().len(), world.dns.requests().len());
    let again = world.deploy(world.request()).await.unwrap();
    assert_eq!(again.changes, 0, "{again:#?}");
    let mutations: Vec<_> = world.simulator.mutations().into_iter().skip(before.0).collect();
    assert!(mutations.is_empty(), "i9: a second run makes only reads: {mutations:?}");
    assert!(world.dns.requests().iter().skip(before.1).all(|request| request.method == "GET"));
    assert_eq!(world.plan(world.request()).await.unwrap().steps, []);
}
