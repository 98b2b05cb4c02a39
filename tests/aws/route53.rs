//! DNS at Route 53.

use crate::moto::{Moto, account, moto};
use crate::relay::{Fault, Relay};
use crate::unique;
use deploy_native::ErrorCode;
use deploy_native::dns::{DnsProvider, DnsRecord, Route53Options, Route53Provider};
use std::time::{Duration, Instant};

const SERVER: &str = "203.0.113.7";
const OTHER: &str = "198.51.100.1";

pub(crate) fn provider(url: &str) -> Route53Provider {
    provider_with(url, None)
}

fn provider_with(url: &str, hosted_zone_id: Option<&str>) -> Route53Provider {
    let mut options = Route53Options::default().aws(account(url)).between_looks(Duration::from_millis(50));
    options.hosted_zone_id = hosted_zone_id.map(str::to_owned);
    Route53Provider::new(options).unwrap()
}

fn a_record(name: &str, value: &str) -> DnsRecord {
    DnsRecord::new(name, "A", 300, vec![value.to_owned()])
}

async fn send(moto: &Moto, path: &str, body: &str) -> String {
    let sent = reqwest::Client::new()
        .post(format!("{}/2013-04-01{path}", moto.url))
        // By which moto knows the service.
        .header("authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/route53/aws4_request")
        .body(body.to_owned());
    let answer = sent.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{text}");
    text
}

/// Makes a hosted zone; returns its id.
pub(crate) async fn make_zone(moto: &Moto, name: &str, private: bool) -> String {
    let vpc = if private { "<VPC><VPCRegion>eu-central-1</VPCRegion><VPCId>vpc-1</VPCId></VPC>" } else { "" };
    let body = format!(
        "<CreateHostedZoneRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Name>{name}</Name>{vpc}\
         <CallerReference>{}</CallerReference><HostedZoneConfig><PrivateZone>{private}</PrivateZone></HostedZoneConfig>\
         </CreateHostedZoneRequest>",
        unique("reference")
    );
    let answer = send(moto, "/hostedzone", &body).await;
    let id = answer.split("<Id>/hostedzone/").nth(1).unwrap();
    id.split('<').next().unwrap().to_owned()
}

/// Makes a record set as somebody else does; `set` is what stands in it after its name.
async fn make_set(moto: &Moto, zone: &str, host: &str, set: &str) {
    let body = format!(
        "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes>\
         <Change><Action>CREATE</Action><ResourceRecordSet><Name>{host}.</Name>{set}</ResourceRecordSet></Change>\
         </Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"
    );
    send(moto, &format!("/hostedzone/{zone}/rrset/"), &body).await;
}

/// The sets of a zone besides its own `NS` and `SOA`.
async fn sets(provider: &Route53Provider, zone: &str) -> Vec<DnsRecord> {
    let records = provider.get_records(zone).await.unwrap();
    records.into_iter().filter(|record| !["NS", "SOA"].contains(&record.record_type.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_created_listed_left_alone_updated_and_deleted() {
    let Some(moto) = moto("a record") else { return };
    let zone = format!("{}.example", unique("shop"));
    make_zone(moto, &zone, false).await;
    let relay = Relay::before(&moto.url).await;
    let provider = provider(&relay.url);
    let desired = [a_record("api.staging", SERVER), a_record("@", SERVER)];
    let created = provider.upsert_records(&zone, &desired).await.unwrap();
    assert!(created.iter().all(|change| change.created && !change.unchanged), "{created:?}");
    let mut listed = sets(&provider, &zone).await;
    listed.sort_by_key(|record| std::cmp::Reverse(record.name.clone()));
    assert_eq!(listed, desired);
    assert_eq!(relay.count("POST "), 1, "two records were not written in one batch");

    let again = provider.upsert_records(&zone, &desired).await.unwrap();
    assert!(again.iter().all(|change| change.unchanged), "{again:?}");
    assert_eq!(relay.count("POST "), 1, "unchanged records were written");

    let updated = provider.upsert_records(&zone, &[a_record("api.staging", OTHER)]).await.unwrap();
    assert!(!updated[0].created && !updated[0].unchanged);
    let other = a_record("@", SERVER).ttl(60);
    assert!(!provider.upsert_records(&zone, std::slice::from_ref(&other)).await.unwrap()[0].unchanged, "a changed TTL");
    let listed = sets(&provider, &zone).await;
    assert!(listed.contains(&a_record("api.staging", OTHER)) && listed.contains(&other), "{listed:?}");

    provider.delete_records(&zone, &desired).await.unwrap();
    assert_eq!(sets(&provider, &zone).await, []);
    let before = relay.count("POST ");
    provider.delete_records(&zone, &desired).await.unwrap();
    assert_eq!(relay.count("POST "), before, "what is gone was deleted again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_public_zone_is_written_and_a_private_one_only_by_its_id() {
    let Some(moto) = moto("the longest public zone") else { return };
    let root = format!("{}.example", unique("shop"));
    let staging = format!("staging.{root}");
    make_zone(moto, &root, true).await;
    let own = make_zone(moto, &root, false).await;
    let below = make_zone(moto, &staging, false).await;
    let provider = provider(&moto.url);
    let desired = [a_record("api.staging", SERVER), a_record("web", SERVER)];
    provider.upsert_records(&root, &desired).await.unwrap();
    let names = |records: Vec<DnsRecord>| records.into_iter().map(|record| record.name).collect::<Vec<_>>();
    assert_eq!(names(sets(&provider_with(&moto.url, Some(&below)), &staging).await), ["api"]);
    assert_eq!(names(sets(&provider_with(&moto.url, Some(&own)), &root).await), ["web"]);
    assert_eq!(sets(&provider, &root).await.len(), 2);
    // A root domain of the workspace need not be a hosted zone of its own.
    let deep = format!("live.{root}");
    provider.upsert_records(&deep, &[a_record("api", SERVER)]).await.unwrap();
    assert_eq!(names(sets(&provider, &deep).await), ["api"]);
    assert!(names(sets(&provider, &root).await).contains(&"api.live".to_owned()));

    let hidden = format!("{}.example", unique("hidden"));
    let private = make_zone(moto, &hidden, true).await;
    let error = provider_of(moto).get_records(&hidden).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DnsZoneNotFound);
    assert!(error.message().contains("private") && error.hint_text().unwrap().contains(&private), "{error:?}");
    provider_with(&moto.url, Some(&private)).upsert_records(&hidden, &[a_record("api", SERVER)]).await.unwrap();
}

fn provider_of(moto: &Moto) -> Route53Provider {
    provider(&moto.url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_that_cannot_be_told_or_is_another_one_is_named() {
    let Some(moto) = moto("a zone that cannot be told") else { return };
    let name = format!("{}.example", unique("twin"));
    let (first, second) = (make_zone(moto, &name, false).await, make_zone(moto, &name, false).await);
    let error = provider(&moto.url).get_records(&name).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DnsProvider, Some("ambiguous")));
    assert!(error.message().contains(&first) && error.message().contains(&second), "{error}");
    assert!(provider_with(&moto.url, Some(&first)).get_records(&name).await.is_ok());

    let error = provider_with(&moto.url, Some(&first)).get_records("example.org").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DnsZoneNotFound);
    assert!(error.hint_text().unwrap().contains("deploy.dns['example.org'].hostedZoneId"), "{error:?}");
    let error = provider_with(&moto.url, Some("Z0NOTHERE")).get_records(&name).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DnsZoneNotFound);
    let error = provider(&moto.url).get_records("nobody.invalid").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DnsZoneNotFound);
    assert!(error.hint_text().unwrap().contains("deploy.dns['nobody.invalid'].profile"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i8_aliases_and_routed_sets_are_told_and_left_alone() {
    let Some(moto) = moto("aliases and routed sets") else { return };
    let zone = format!("{}.example", unique("shop"));
    let id = make_zone(moto, &zone, false).await;
    let alias = format!(
        "<Type>A</Type><AliasTarget><HostedZoneId>{id}</HostedZoneId><DNSName>lb.{zone}.</DNSName>\
         <EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>"
    );
    let value = format!("<ResourceRecords><ResourceRecord><Value>{OTHER}</Value></ResourceRecord></ResourceRecords>");
    let routed = format!("<Type>A</Type><SetIdentifier>blue</SetIdentifier><Weight>1</Weight><TTL>60</TTL>{value}");
    make_set(moto, &id, &format!("alias.{zone}"), &alias).await;
    make_set(moto, &id, &format!("routed.{zone}"), &routed).await;
    let relay = Relay::before(&moto.url).await;
    let provider = provider(&relay.url);
    for (name, words) in [("alias", format!("lb.{zone}")), ("routed", "routing policy `blue`".to_owned())] {
        let desired = [a_record("web", SERVER), a_record(name, SERVER)];
        let error = provider.upsert_records(&zone, &desired).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DnsRecordForeign);
        assert!(error.message().contains(&words), "{error}");
        provider.delete_records(&zone, &[a_record(name, OTHER)]).await.unwrap();
    }
    assert_eq!(relay.count("POST "), 0, "something was written");
    assert_eq!(sets(&provider, &zone).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_zones_and_records_is_read() {
    let Some(moto) = moto("every page") else { return };
    let zone = format!("{}.example", unique("large"));
    make_zone(moto, &zone, false).await;
    // moto's page of zones has 100 entries, its page of records 300.
    for index in 0..101 {
        make_zone(moto, &format!("filler-{index}.test"), false).await;
    }
    let relay = Relay::before(&moto.url).await;
    let provider = provider(&relay.url);
    let many: Vec<DnsRecord> = (0..320).map(|index| a_record(&format!("host-{index}"), SERVER)).collect();
    provider.upsert_records(&zone, &many).await.unwrap();
    assert_eq!(relay.count("POST "), 4, "batches of 100");
    assert_eq!(sets(&provider, &zone).await.len(), 320);
    assert!(relay.count("GET /2013-04-01/hostedzone?marker=") > 0, "there was one page of zones");
    let changes = provider.upsert_records(&zone, &[a_record("host-99", OTHER)]).await.unwrap();
    assert!(!changes[0].created, "a record of the second page was not seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_waited_for_until_every_server_has_it() {
    let Some(moto) = moto("a change is waited for") else { return };
    let zone = format!("{}.example", unique("shop"));
    make_zone(moto, &zone, false).await;
    let relay = Relay::before(&moto.url).await;
    let pending = || Fault::Replace("INSYNC", "PENDING");
    relay.spoil("POST /2013-04-01/hostedzone", pending());
    relay.spoil_times("GET /2013-04-01/change/", 0, 2, pending());
    provider(&relay.url).upsert_records(&zone, &[a_record("api", SERVER)]).await.unwrap();
    assert_eq!(relay.count("GET /2013-04-01/change/"), 3);

    // One that does not spread is left to the verification of the host name.
    relay.spoil("POST /2013-04-01/hostedzone", pending());
    relay.spoil_times("GET /2013-04-01/change/", 0, 1000, pending());
    let options = Route53Options::default()
        .aws(account(&relay.url))
        .spread(Duration::from_millis(200))
        .between_looks(Duration::from_millis(20));
    let begun = Instant::now();
    let slow = Route53Provider::new(options).unwrap();
    assert!(!slow.upsert_records(&zone, &[a_record("api", OTHER)]).await.unwrap()[0].unchanged);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_throttled_and_lost_requests_end_in_one_record() {
    let Some(moto) = moto("throttled and lost requests") else { return };
    let throttled =
        "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
    let busy = throttled.replace("Throttling", "PriorRequestNotComplete");
    let faults = [
        Fault::Answer(400, throttled.to_owned()),
        Fault::Answer(400, busy),
        Fault::Answer(503, String::new()),
        Fault::DropBefore,
        Fault::DropAfter,
    ];
    for fault in faults {
        let zone = format!("{}.example", unique("shop"));
        make_zone(moto, &zone, false).await;
        let relay = Relay::before(&moto.url).await;
        let provider = provider(&relay.url);
        for request in ["POST ", "/rrset", "/hostedzone "] {
            relay.spoil_times(request, 0, 2, fault.clone());
        }
        provider.upsert_records(&zone, &[a_record("api", SERVER)]).await.unwrap();
        assert_eq!(sets(&provider, &zone).await, [a_record("api", SERVER)], "{fault:?}");
        relay.spoil("POST ", fault.clone());
        provider.delete_records(&zone, &[a_record("api", SERVER)]).await.unwrap();
        assert_eq!(sets(&provider, &zone).await, [], "{fault:?}");
    }
}
