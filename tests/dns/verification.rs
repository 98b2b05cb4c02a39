//! Verification against real authoritative servers.

use crate::{OTHER, SERVER, ZONE, a_record, lookup_options, provider, simulator};
use deploy_native::dns::{
    Answer, AnswerSource, Expectation, Verification, VerificationOutcome, WaitOptions, verify, wait_verified,
};
use deploy_native_simulator::dns::{DnsSimulator, Vendor, ZoneRecord};
use std::net::IpAddr;
use std::time::{Duration, Instant};

const HOST: &str = "api.example.com";

fn expectation(host: &str) -> Expectation<'_> {
    Expectation { host, address: SERVER.parse().unwrap(), zone: Some(ZONE) }
}

async fn check(simulator: &DnsSimulator, host: &str) -> Verification {
    verify(&expectation(host), &lookup_options(simulator)).await.unwrap()
}

async fn serving(records: &[(&str, &str, &str)]) -> DnsSimulator {
    let mut builder = simulator();
    for (name, record_type, content) in records {
        builder = builder.record(ZONE, ZoneRecord::new(name, record_type, 300, content));
    }
    builder.start().await.unwrap()
}

/// The addresses that the answers name.
fn addresses(verification: &Verification) -> Vec<Vec<IpAddr>> {
    let list = verification.servers.iter().filter_map(|server| match &server.answer {
        Answer::Addresses { addresses, .. } => Some(addresses.clone()),
        _ => None,
    });
    list.collect()
}

#[tokio::test]
async fn a_right_record_is_verified_at_every_server() {
    let simulator = serving(&[("api", "A", SERVER)]).await;
    let verification = check(&simulator, HOST).await;
    assert_eq!(verification.outcome, VerificationOutcome::Verified, "{}", verification.message());
    assert_eq!(verification.source, AnswerSource::Authoritative);
    assert_eq!(verification.servers.len(), simulator.name_server_count());
    assert_eq!(verification.servers[0].server, "ns1.example.com");
    assert!(verification.notes.is_empty());
}

#[tokio::test]
async fn a_wrong_or_a_second_address_is_told_with_its_server() {
    let simulator = serving(&[("api", "A", OTHER), ("web", "A", SERVER), ("web", "A", OTHER)]).await;
    for host in [HOST, "web.example.com"] {
        let verification = check(&simulator, host).await;
        assert_eq!(verification.outcome, VerificationOutcome::Mismatch, "{host}");
        assert!(
            verification.message().contains("ns1.example.com [127.0.0.1]: 198.51.100.1"),
            "{}",
            verification.message()
        );
    }
}

#[tokio::test]
async fn a_name_without_an_address_has_no_records() {
    let simulator = serving(&[("text", "TXT", "hello")]).await;
    for (host, exists) in [(HOST, false), ("text.example.com", true)] {
        let verification = check(&simulator, host).await;
        assert_eq!(verification.outcome, VerificationOutcome::NoRecords, "{host}");
        assert!(verification.servers.iter().all(|server| server.answer == Answer::Nothing { exists }), "{host}");
    }
}

#[tokio::test]
async fn the_zone_itself_can_be_a_host() {
    let simulator = serving(&[("@", "A", SERVER)]).await;
    assert!(check(&simulator, ZONE).await.is_verified());
}

#[tokio::test]
async fn a_server_that_lags_behind_is_seen() {
    let simulator = serving(&[("api", "A", OTHER)]).await;
    if simulator.name_server_count() < 2 {
        return;
    }
    simulator.set_lag(2, Duration::from_hours(1));
    let options = lookup_options(&simulator);
    provider(&simulator, Vendor::Cloudflare).upsert_records(ZONE, &[a_record("api", SERVER)]).await.unwrap();
    let verification = verify(&expectation(HOST), &options).await.unwrap();
    assert_eq!(verification.outcome, VerificationOutcome::Mismatch, "{}", verification.message());
    assert_eq!(verification.servers[1].answer, Answer::Nothing { exists: false });
    simulator.set_lag(2, Duration::ZERO);
    assert!(verify(&expectation(HOST), &options).await.unwrap().is_verified());
}

#[tokio::test]
async fn a_silent_server_is_unreachable_within_bounded_time() {
    let simulator = serving(&[("api", "A", SERVER)]).await;
    if simulator.name_server_count() < 2 {
        return;
    }
    simulator.set_silent(2, true);
    let options = lookup_options(&simulator).timeout(Duration::from_millis(500));
    let begun = Instant::now();
    let verification = verify(&expectation(HOST), &options).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(verification.outcome, VerificationOutcome::Unreachable, "{}", verification.message());
    assert_eq!(addresses(&verification), [[SERVER.parse::<IpAddr>().unwrap()]]);
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let simulator = serving(&[("api", "A", SERVER)]).await;
    for n in 1..=simulator.name_server_count() {
        simulator.set_truncating(n, true);
    }
    assert!(check(&simulator, HOST).await.is_verified());
    assert!(simulator.queries().iter().any(|query| query.tcp && query.name == HOST));
}

#[tokio::test]
async fn aliases_are_followed_within_the_zone_and_out_of_it() {
    let simulator = simulator()
        .zone("example.net")
        .record(ZONE, ZoneRecord::new("api", "CNAME", 300, "inner.example.com"))
        .record(ZONE, ZoneRecord::new("inner", "A", 300, SERVER))
        .record(ZONE, ZoneRecord::new("out", "CNAME", 300, "target.elsewhere.test"))
        .record(ZONE, ZoneRecord::new("far", "CNAME", 300, "far.example.net"))
        .record("example.net", ZoneRecord::new("far", "A", 300, OTHER))
        .record(ZONE, ZoneRecord::new("round", "CNAME", 300, "about.example.com"))
        .record(ZONE, ZoneRecord::new("about", "CNAME", 300, "round.example.com"))
        .start()
        .await
        .unwrap();
    let verification = check(&simulator, HOST).await;
    assert!(verification.is_verified(), "{}", verification.message());
    let Answer::Addresses { aliases, .. } = &verification.servers[0].answer else { panic!("no address") };
    assert_eq!(aliases, &["inner.example.com"]);
    for (host, outcome) in [
        ("out.example.com", VerificationOutcome::NoRecords),
        ("far.example.com", VerificationOutcome::Mismatch),
        ("round.example.com", VerificationOutcome::Unreachable),
    ] {
        let verification = check(&simulator, host).await;
        assert_eq!(verification.outcome, outcome, "{host}: {}", verification.message());
    }
}

#[tokio::test]
async fn i8_a_stray_ipv6_address_is_noted_and_left_alone() {
    let simulator = serving(&[("api", "A", SERVER), ("api", "AAAA", "2001:db8::1")]).await;
    let verification = check(&simulator, HOST).await;
    assert!(verification.is_verified());
    assert_eq!(verification.notes.len(), 1);
    assert!(verification.message().contains("AAAA record (2001:db8::1)"), "{}", verification.message());
    assert_eq!(simulator.records(ZONE).len(), 2);
}

#[tokio::test]
async fn the_recursive_resolver_never_learns_that_the_host_does_not_exist() {
    let simulator = serving(&[]).await;
    assert_eq!(check(&simulator, HOST).await.outcome, VerificationOutcome::NoRecords);
    let no_zone = Expectation { zone: None, ..expectation(HOST) };
    let verification = verify(&no_zone, &lookup_options(&simulator)).await.unwrap();
    assert_eq!(verification.source, AnswerSource::Authoritative);
    let asked = simulator.queries();
    assert!(asked.iter().any(|query| !query.recursive && query.name == HOST));
    assert!(!asked.iter().any(|query| query.recursive && query.name == HOST), "{asked:?}");
}

#[tokio::test]
async fn without_authoritative_servers_the_recursive_one_is_asked_and_named() {
    let simulator = serving(&[("api", "A", SERVER)]).await;
    simulator.set_resolver_refuses_name_servers(true);
    let verification = check(&simulator, HOST).await;
    assert!(verification.is_verified(), "{}", verification.message());
    assert_eq!(verification.source, AnswerSource::Recursive);
    assert!(verification.notes[0].contains("the recursive resolver was asked instead"));
}

#[tokio::test]
async fn resolvers_that_do_not_answer_are_a_result_and_no_error() {
    let simulator = serving(&[("api", "A", SERVER)]).await;
    simulator.set_resolver_silent(true);
    let options = lookup_options(&simulator).timeout(Duration::from_millis(200));
    let begun = Instant::now();
    let verification = verify(&expectation(HOST), &options).await.unwrap();
    assert_eq!(verification.outcome, VerificationOutcome::Unreachable);
    assert_eq!(verification.source, AnswerSource::Recursive);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_zone_cut_off_below_ours_ends_even_when_its_servers_refer_to_themselves() {
    let simulator = serving(&[("staging", "NS", "ns1.example.com"), ("api.staging", "A", SERVER)]).await;
    let verification = check(&simulator, "api.staging.example.com").await;
    assert_eq!(verification.outcome, VerificationOutcome::Unreachable, "{}", verification.message());
    assert!(verification.message().contains("refers to servers that were asked already"), "{}", verification.message());
}

#[tokio::test]
async fn a_proxied_name_answers_with_the_proxy_and_its_vendor_says_so() {
    let simulator = simulator().record(ZONE, ZoneRecord::new("api", "A", 1, SERVER).proxied()).start().await.unwrap();
    assert_eq!(check(&simulator, HOST).await.outcome, VerificationOutcome::Mismatch);
    assert_eq!(provider(&simulator, Vendor::Cloudflare).get_proxied_names(ZONE).await.unwrap(), ["api"]);
}

fn quick_wait(deadline: Duration) -> WaitOptions {
    let quick = WaitOptions::default().deadline(deadline);
    quick.first_pause(Duration::from_millis(20)).longest_pause(Duration::from_millis(100))
}

#[tokio::test]
async fn a_record_that_needs_time_is_waited_for() {
    let simulator = simulator().propagation_delay(Duration::from_hours(1)).start().await.unwrap();
    provider(&simulator, Vendor::Hostinger).upsert_records(ZONE, &[a_record("api", SERVER)]).await.unwrap();
    let mut seen = Vec::new();
    let verification = wait_verified(
        &expectation(HOST),
        &lookup_options(&simulator),
        &quick_wait(Duration::from_mins(1)),
        &mut |verification| {
            seen.push(verification.outcome);
            if seen.len() == 3 {
                (1..=simulator.name_server_count()).for_each(|n| simulator.set_lag(n, Duration::ZERO));
            }
        },
    )
    .await
    .unwrap();
    assert!(verification.is_verified(), "{}", verification.message());
    assert_eq!(seen[..3], [VerificationOutcome::NoRecords; 3]);
    assert_eq!(seen[3..], [VerificationOutcome::Verified]);
}

#[tokio::test]
async fn waiting_ends_at_the_deadline_with_what_was_seen_last() {
    let simulator = serving(&[("api", "A", OTHER)]).await;
    let begun = Instant::now();
    let mut checks = 0;
    let verification = wait_verified(
        &expectation(HOST),
        &lookup_options(&simulator),
        &quick_wait(Duration::from_millis(400)),
        &mut |_| checks += 1,
    )
    .await
    .unwrap();
    assert_eq!(verification.outcome, VerificationOutcome::Mismatch);
    assert!(checks > 1);
    assert!(begun.elapsed() >= Duration::from_millis(400) && begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn i10_a_dropped_wait_asks_no_more() {
    let simulator = serving(&[]).await;
    let (expectation, options) = (expectation(HOST), lookup_options(&simulator));
    let wait = quick_wait(Duration::from_mins(1));
    let mut nothing = |_: &Verification| ();
    let waiting = wait_verified(&expectation, &options, &wait, &mut nothing);
    assert!(tokio::time::timeout(Duration::from_millis(500), waiting).await.is_err());
    // A question that was on its way may still arrive.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = simulator.queries().len();
    assert!(asked > 0);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(simulator.queries().len(), asked);
}
