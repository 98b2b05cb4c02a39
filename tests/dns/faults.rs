//! What the clients do when the vendors' APIs fail.

use crate::{OTHER, SERVER, TOKEN, VENDORS, ZONE, a_record, provider, simulator, values, vendor_options};
use deploy_native::ErrorCode;
use deploy_native::dns::{CloudflareProvider, DnsProvider, HostingerProvider};
use deploy_native::secrets::Secret;
use deploy_native_simulator::dns::{DnsSimulator, Fault, FaultKind, Vendor, ZoneRecord};
use std::time::{Duration, Instant};

#[tokio::test]
async fn i3_any_single_lost_answer_ends_in_one_record() {
    for vendor in VENDORS {
        for before in [None, Some(OTHER)] {
            for kind in [FaultKind::DropBefore, FaultKind::DropAfter, FaultKind::Fail(502), FaultKind::Throttle(0)] {
                for nth in 1..=4 {
                    let simulator = simulator().start().await.unwrap();
                    if let Some(value) = before {
                        simulator.put_record(ZONE, ZoneRecord::new("api", "A", 300, value));
                    }
                    simulator.add_fault(Fault::new(kind.clone()).nth(nth));
                    let desired = [a_record("api", SERVER)];
                    provider(&simulator, vendor).upsert_records(ZONE, &desired).await.unwrap();
                    let case = format!("{vendor:?} {before:?} {kind:?} {nth}");
                    assert_eq!(values(&simulator, "api", "A"), [SERVER], "{case}");
                    assert_eq!(simulator.records(ZONE).len(), 1, "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn i3_a_deletion_whose_answer_was_lost_is_no_error() {
    for vendor in VENDORS {
        for kind in [FaultKind::DropBefore, FaultKind::DropAfter, FaultKind::Fail(500)] {
            let simulator = simulator().start().await.unwrap();
            simulator.put_record(ZONE, ZoneRecord::new("api", "A", 300, SERVER));
            simulator.add_fault(Fault::new(kind).method("DELETE"));
            provider(&simulator, vendor).delete_records(ZONE, &[a_record("api", SERVER)]).await.unwrap();
            assert_eq!(simulator.records(ZONE), [], "{vendor:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_that_lasts_is_told_and_may_be_tried_later() {
    for vendor in VENDORS {
        for (kind, reason) in [
            (FaultKind::Fail(500), "server"),
            (FaultKind::Throttle(0), "rate-limit"),
            (FaultKind::DropBefore, "unreachable"),
        ] {
            let simulator = simulator().start().await.unwrap();
            simulator.add_fault(Fault::new(kind).vendor(vendor).times(100));
            let error = provider(&simulator, vendor).get_records(ZONE).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::DnsProvider, "{vendor:?} {reason}");
            assert_eq!((error.reason_name(), error.is_retryable()), (Some(reason), true), "{vendor:?} {error}");
            assert!(!format!("{error:?}").contains(TOKEN));
            assert_eq!(simulator.requests().len(), 5, "{vendor:?} {reason}: one try and four more");
        }
    }
}

#[tokio::test]
async fn a_pause_that_the_vendor_asks_for_is_kept_or_told() {
    for vendor in VENDORS {
        let simulator = simulator().start().await.unwrap();
        simulator.add_fault(Fault::new(FaultKind::Throttle(1)));
        let begun = Instant::now();
        provider(&simulator, vendor).get_records(ZONE).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(1), "{vendor:?}");

        simulator.add_fault(Fault::new(FaultKind::Throttle(3600)));
        let requests = simulator.requests().len();
        let error = provider(&simulator, vendor).get_records(ZONE).await.unwrap_err();
        assert!(error.message().contains("a pause of 3600 s"), "{error}");
        assert_eq!(simulator.requests().len(), requests + 1, "{vendor:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_quotes_the_vendor() {
    let simulator = simulator().start().await.unwrap();
    let desired = [a_record("api", SERVER).ttl(5)];
    let error = provider(&simulator, Vendor::Cloudflare).upsert_records(ZONE, &desired).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DnsProvider);
    assert!(error.message().contains("Invalid TTL"), "{error}");
    assert!(error.message().contains("`api.example.com`"), "{error}");
    assert_eq!(simulator.requests().iter().filter(|request| request.is_write()).count(), 1);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_an_error() {
    for vendor in VENDORS {
        for text in ["<html>hello</html>", "{\"success\":true,\"result\":[{}]}", "[{}]"] {
            let simulator = simulator().start().await.unwrap();
            simulator.add_fault(Fault::new(FaultKind::Garble(text.to_owned())));
            let error = provider(&simulator, vendor).get_records(ZONE).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::DnsProvider, "{vendor:?} {text}: {error}");
        }
    }
}

#[tokio::test]
async fn i6_a_redirect_is_not_followed_with_the_token() {
    for vendor in VENDORS {
        let elsewhere = simulator().start().await.unwrap();
        let simulator = simulator().start().await.unwrap();
        let target = match vendor {
            Vendor::Cloudflare => format!("{}/zones", elsewhere.cloudflare_url()),
            Vendor::Hostinger => format!("{}/api/dns/v1/zones/{ZONE}", elsewhere.hostinger_url()),
        };
        simulator.add_fault(Fault::new(FaultKind::Redirect(target)));
        let error = provider(&simulator, vendor).get_records(ZONE).await.unwrap_err();
        assert!(error.message().contains("redirect"), "{error}");
        assert_eq!((simulator.requests().len(), elsewhere.requests().len()), (1, 0), "{vendor:?}");
    }
}

#[tokio::test]
async fn a_slow_api_does_not_keep_us_longer_than_it_may() {
    let simulator = simulator().start().await.unwrap();
    simulator.add_fault(Fault::new(FaultKind::Delay(Duration::from_mins(1))));
    let options = vendor_options(simulator.hostinger_url()).timeout(Duration::from_millis(300)).retries(0);
    let provider = HostingerProvider::new(&Secret::new(TOKEN), options).unwrap();
    let begun = Instant::now();
    let error = provider.get_records(ZONE).await.unwrap_err();
    assert!(error.message().contains("did not answer in time"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn i6_a_token_or_an_address_that_cannot_be_used_is_told_without_it() {
    let simulator: DnsSimulator = simulator().start().await.unwrap();
    for token in ["", "  ", "canary\nInjected: header"] {
        let options = vendor_options(simulator.cloudflare_url());
        let error = CloudflareProvider::new(&Secret::new(token), options).err().unwrap();
        assert_eq!(error.code(), ErrorCode::DnsProvider);
        assert!(!format!("{error:?}").contains("canary"));
    }
    for url in ["", "ftp://example.com", "not a url"] {
        let error = HostingerProvider::new(&Secret::new(TOKEN), vendor_options(url.to_owned())).err().unwrap();
        assert!(error.hint_text().unwrap().contains("`credentials.hostinger.baseUrl`"));
    }
}
