//! Names that the DNS vendor answers for with addresses of its own: right when their record is, and left proxied.

use deploy_native::deploy::{AppStatus, DeployReport, DeployRequest, DnsReport, DomainStatus, HostReport, verify_dns};
use deploy_native_simulator::dns::ZoneRecord;
use deploy_native_test_support::{SERVER_IP, World, host, of};
use serde_json::{Value, json};

fn api_only(world: &World) -> Value {
    let mut request = world.light();
    request["apps"] = json!(["api"]);
    request
}

/// A world in which somebody has made the record of `api` already, behind the vendor's proxy.
async fn proxied(value: &str) -> World {
    let world = World::start().await;
    world.dns.put_record("example.com", ZoneRecord::new("api.staging", "A", 1, value).proxied());
    world
}

fn of_api(report: &DnsReport) -> &HostReport {
    report.hosts.iter().find(|it| it.host == host("api")).unwrap()
}

fn assert_proxied(report: &DnsReport) {
    let api = of_api(report);
    assert!(api.verified, "{api:?}");
    assert!(api.message.as_deref().is_some_and(|message| message.starts_with("proxied: cloudflare")), "{api:?}");
}

fn assert_runs_at_its_domain(report: &DeployReport) {
    let api = of(report, "api");
    assert_eq!((api.status, api.domain), (AppStatus::Running, DomainStatus::Attached), "{api:?}");
    assert_proxied(&report.dns);
}

fn assert_still_proxied(world: &World) {
    let records = world.dns.records("example.com");
    let api = records.iter().find(|it| it.is("api.staging", "A")).unwrap();
    assert!(api.proxied && api.content == SERVER_IP, "{api:?}");
}

#[tokio::test]
async fn i8_a_proxied_record_that_leads_to_the_server_is_right_and_left_alone() {
    let world = proxied(SERVER_IP).await;
    let before = world.moment();
    assert_runs_at_its_domain(&world.deploy(api_only(&world)).await.unwrap());
    assert_eq!(world.dns_writes_since(&before), 0);
    assert_still_proxied(&world);
    let again = world.deploy(api_only(&world)).await.unwrap();
    assert_eq!(again.changes, 0, "i9: nothing is verified over and over");
    assert_runs_at_its_domain(&again);
}

#[tokio::test]
async fn a_proxied_record_that_leads_elsewhere_is_replaced_and_stays_proxied() {
    let world = proxied("203.0.113.9").await;
    assert_runs_at_its_domain(&world.deploy(api_only(&world)).await.unwrap());
    assert_still_proxied(&world);
    assert_eq!(world.deploy(api_only(&world)).await.unwrap().changes, 0);
}

#[tokio::test]
async fn a_verification_on_its_own_asks_the_vendor_about_a_name_that_seems_wrong() {
    for (value, right) in [(SERVER_IP, true), ("203.0.113.9", false)] {
        let world = proxied(value).await;
        let request = DeployRequest::from_json(api_only(&world)).unwrap();
        let report = verify_dns(request, world.options()).await.unwrap();
        if right {
            assert_proxied(&report);
        } else {
            let api = of_api(&report);
            assert!(!api.verified && !api.message.as_deref().unwrap().contains("proxied"), "{api:?}");
        }
    }
}
