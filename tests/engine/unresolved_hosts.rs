//! Host names whose DNS does not answer: the app runs, its domain waits, and a later run attaches it.

use deploy_native::deploy::{AppStatus, DomainStatus};
use deploy_native_test_support::{World, host, of};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_domain_waits_for_its_dns_and_the_next_run_attaches_it() {
    let world = World::start().await;
    for server in 1..=world.dns.name_server_count() {
        world.dns.set_lag(server, Duration::from_hours(1));
    }
    let mut request = world.light();
    request["dnsTimeoutSeconds"] = json!(1);
    let report = world.deploy(request.clone()).await.unwrap();
    for app in ["api", "web", "jobs"] {
        assert_eq!((of(&report, app).status, of(&report, app).domain), (AppStatus::Running, DomainStatus::Pending));
    }
    assert!(report.dns.hosts.iter().all(|it| !it.verified && it.message.is_some()), "{:#?}", report.dns);
    assert_eq!(world.simulator.count("domain.create"), 0, "no certificate is asked for too early");
    assert!(world.state().await.dns_verified.is_empty());
    for server in 1..=world.dns.name_server_count() {
        world.dns.set_lag(server, Duration::ZERO);
    }
    let before = world.moment();
    let report = world.deploy(request.clone()).await.unwrap();
    assert!(report.apps.iter().all(|app| app.domain == DomainStatus::Attached), "{report:#?}");
    assert_eq!(world.endpoints_since(&before), ["domain.create"; 3], "nothing was deployed again");
    assert_eq!(world.dns_writes_since(&before), 0);
    assert!(world.state().await.dns_verified.contains_key(&host("api")));
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn without_dns_settings_domains_are_attached_at_once() {
    let world = World::start().await;
    for dns in [json!(null), json!({ "example.com": { "provider": "manual" } })] {
        let world_of_its_own = World::start().await;
        let mut request = world_of_its_own.light();
        if dns.is_null() {
            request["workspace"]["deploy"].as_object_mut().unwrap().shift_remove("dns");
        } else {
            request["workspace"]["deploy"]["dns"] = dns.clone();
        }
        let report = world_of_its_own.deploy(request.clone()).await.unwrap();
        assert!(report.apps.iter().all(|app| app.domain == DomainStatus::Attached), "{dns}: {report:#?}");
        assert_eq!(world_of_its_own.dns.requests().len(), 0);
        assert!(report.dns.hosts.iter().all(|it| !it.verified));
        assert_eq!(world_of_its_own.deploy(request).await.unwrap().changes, 0, "{dns}");
    }
    assert_eq!(world.dns.requests().len(), 0);
}
