//! Creating, updating and deleting records at both vendors.

use crate::{OTHER, SERVER, TOKEN, VENDORS, ZONE, a_record, provider, provider_with, simulator, values, writes};
use deploy_native::ErrorCode;
use deploy_native_simulator::dns::{RecordedRequest, Vendor, ZoneRecord};

#[tokio::test]
async fn a_record_is_created_listed_left_alone_updated_and_deleted() {
    for vendor in VENDORS {
        let simulator = simulator().start().await.unwrap();
        let provider = provider(&simulator, vendor);
        let desired = [a_record("api.staging", SERVER)];

        let created = provider.upsert_records(ZONE, &desired).await.unwrap();
        assert!(created[0].created && !created[0].unchanged, "{vendor:?}");
        assert_eq!(provider.get_records(ZONE).await.unwrap(), desired, "{vendor:?}");

        let before = writes(&simulator);
        let again = provider.upsert_records(ZONE, &desired).await.unwrap();
        assert!(again[0].unchanged && !again[0].created, "{vendor:?}");
        assert_eq!(writes(&simulator), before, "{vendor:?}: an unchanged record was written");

        let updated = provider.upsert_records(ZONE, &[a_record("api.staging", OTHER)]).await.unwrap();
        assert!(!updated[0].created && !updated[0].unchanged, "{vendor:?}");
        assert_eq!(values(&simulator, "api.staging", "A"), [OTHER], "{vendor:?}");

        provider.delete_records(ZONE, &desired).await.unwrap();
        assert_eq!(simulator.records(ZONE), [], "{vendor:?}");
        let before = writes(&simulator);
        provider.delete_records(ZONE, &desired).await.unwrap();
        assert_eq!(writes(&simulator), before, "{vendor:?}: what is gone was deleted again");
    }
}

#[tokio::test]
async fn the_zone_itself_and_several_hosts_are_written_at_once() {
    for vendor in VENDORS {
        let simulator = simulator().start().await.unwrap();
        let desired = [a_record("@", SERVER), a_record("API", SERVER), a_record("auth.example.com", SERVER)];
        let changes = provider(&simulator, vendor).upsert_records(ZONE, &desired).await.unwrap();
        assert!(changes.iter().all(|change| change.created), "{vendor:?}");
        for name in ["@", "api", "auth"] {
            assert_eq!(values(&simulator, name, "A"), [SERVER], "{vendor:?} {name}");
        }
        assert_eq!(simulator.records(ZONE).len(), 3, "{vendor:?}");
    }
}

#[tokio::test]
async fn i8_an_update_leaves_exactly_one_address() {
    for vendor in VENDORS {
        for before in [vec![OTHER], vec![OTHER, "198.51.100.2"], vec![OTHER, SERVER, "198.51.100.3"]] {
            let simulator = simulator().start().await.unwrap();
            for value in &before {
                simulator.put_record(ZONE, ZoneRecord::new("api", "A", 3600, value));
            }
            let changes = provider(&simulator, vendor).upsert_records(ZONE, &[a_record("api", SERVER)]).await.unwrap();
            assert!(!changes[0].created && !changes[0].unchanged, "{vendor:?} {before:?}");
            let records = simulator.records(ZONE);
            assert_eq!(records.len(), 1, "{vendor:?} {before:?}");
            assert_eq!((records[0].content.as_str(), records[0].ttl), (SERVER, 300), "{vendor:?} {before:?}");
        }
    }
}

#[tokio::test]
async fn cloudflare_changes_a_value_in_place_before_it_deletes_what_is_left_over() {
    let simulator = simulator().start().await.unwrap();
    simulator.put_record(ZONE, ZoneRecord::new("api", "A", 300, OTHER));
    simulator.put_record(ZONE, ZoneRecord::new("api", "A", 300, "198.51.100.2"));
    let first = simulator.records(ZONE)[0].id.clone();
    provider(&simulator, Vendor::Cloudflare).upsert_records(ZONE, &[a_record("api", SERVER)]).await.unwrap();
    let methods: Vec<String> =
        simulator.requests().into_iter().filter(RecordedRequest::is_write).map(|request| request.method).collect();
    assert_eq!(methods, ["PATCH", "DELETE"]);
    assert_eq!(simulator.records(ZONE)[0].id, first);
}

#[tokio::test]
async fn i8_cloudflare_keeps_the_proxy_flag_and_the_comment_of_a_record() {
    let simulator = simulator().start().await.unwrap();
    let mut foreign = ZoneRecord::new("api", "A", 1, OTHER).proxied();
    foreign.comment = Some("do not delete".to_owned());
    simulator.put_record(ZONE, foreign);
    let provider = provider(&simulator, Vendor::Cloudflare);
    provider.upsert_records(ZONE, &[a_record("api", SERVER), a_record("web", SERVER)]).await.unwrap();
    let records = simulator.records(ZONE);
    assert_eq!(records[0].content, SERVER);
    assert!(records[0].proxied && !records[1].proxied);
    assert_eq!(records[0].comment.as_deref(), Some("do not delete"));
    assert_eq!(provider.get_proxied_names(ZONE).await.unwrap(), ["api"]);
    // A proxied record has no time to live of its own: it is right as it is.
    assert!(provider.upsert_records(ZONE, &[a_record("api", SERVER)]).await.unwrap()[0].unchanged);
}

#[tokio::test]
async fn a_changed_time_to_live_is_applied() {
    for vendor in VENDORS {
        let simulator = simulator().start().await.unwrap();
        simulator.put_record(ZONE, ZoneRecord::new("api", "A", 3600, SERVER));
        let changes = provider(&simulator, vendor).upsert_records(ZONE, &[a_record("api", SERVER)]).await.unwrap();
        assert!(!changes[0].unchanged, "{vendor:?}");
        assert_eq!(simulator.records(ZONE)[0].ttl, 300, "{vendor:?}");
    }
}

#[tokio::test]
async fn a_disabled_value_at_hostinger_does_not_count() {
    let simulator = simulator().start().await.unwrap();
    simulator.put_record(ZONE, ZoneRecord::new("api", "A", 300, SERVER).disabled());
    let provider = provider(&simulator, Vendor::Hostinger);
    assert_eq!(provider.get_records(ZONE).await.unwrap(), []);
    provider.upsert_records(ZONE, &[a_record("api", SERVER)]).await.unwrap();
    let records = simulator.records(ZONE);
    assert_eq!(records.len(), 1);
    assert!(!records[0].disabled);
}

#[tokio::test]
async fn every_page_is_read() {
    let simulator = simulator().largest_page(7).start().await.unwrap();
    for index in 0..40 {
        simulator.put_record(ZONE, ZoneRecord::new(&format!("host{index}"), "A", 300, OTHER));
    }
    let provider = provider(&simulator, Vendor::Cloudflare);
    assert_eq!(provider.get_records(ZONE).await.unwrap().len(), 40);
    provider.upsert_records(ZONE, &[a_record("host39", SERVER)]).await.unwrap();
    assert_eq!(values(&simulator, "host39", "A"), [SERVER]);
    assert_eq!(simulator.records(ZONE).len(), 40);
}

#[tokio::test]
async fn a_zone_that_is_not_there_is_named() {
    for vendor in VENDORS {
        let simulator = simulator().start().await.unwrap();
        let provider = provider(&simulator, vendor);
        let error = provider.get_records("example.org").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DnsZoneNotFound, "{vendor:?}");
        assert!(error.message().contains(provider.name()) && error.message().contains("`example.org`"), "{error}");
        assert!(error.hint_text().unwrap().contains("`example.org`"), "{vendor:?}");
        assert!(!error.is_retryable(), "{vendor:?}");
    }
}

#[tokio::test]
async fn i6_a_refused_token_is_told_by_its_name_and_never_by_its_value() {
    for vendor in VENDORS {
        for token in ["wrong-canary-token-0123456789", "short-canary"] {
            let simulator = simulator().start().await.unwrap();
            let provider = provider_with(&simulator, vendor, token);
            let error = provider.upsert_records(ZONE, &[a_record("api", SERVER)]).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::DnsProvider, "{vendor:?}");
            assert_eq!(error.reason_name(), Some("unauthorized"), "{vendor:?}: {error}");
            let setting = format!("`credentials.{}.token`", provider.name());
            assert!(error.hint_text().unwrap().contains(&setting), "{vendor:?}");
            assert!(!format!("{error:?}").contains("canary"), "{vendor:?}");
            assert_eq!(simulator.requests().len(), 1, "{vendor:?}: a refusal was tried again");
        }
    }
    assert!(TOKEN.contains("canary"));
}

#[tokio::test]
async fn i8_an_alias_at_our_name_stops_everything_before_the_first_write() {
    for vendor in VENDORS {
        let simulator = simulator().start().await.unwrap();
        simulator.put_record(ZONE, ZoneRecord::new("api", "CNAME", 300, "elsewhere.example.net"));
        let desired = [a_record("web", SERVER), a_record("api", SERVER)];
        let error = provider(&simulator, vendor).upsert_records(ZONE, &desired).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DnsRecordForeign, "{vendor:?}");
        assert!(error.message().contains("CNAME record (to elsewhere.example.net)"), "{error}");
        assert_eq!(writes(&simulator), 0, "{vendor:?}");
    }
}

#[tokio::test]
async fn i8_other_types_are_neither_written_nor_deleted() {
    for vendor in VENDORS {
        let simulator = simulator().start().await.unwrap();
        let provider = provider(&simulator, vendor);
        let text = a_record("api", "v=spf1").record_type("TXT");
        let error = provider.upsert_records(ZONE, std::slice::from_ref(&text)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{vendor:?}");
        let error = provider.delete_records(ZONE, &[text]).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{vendor:?}");
        assert_eq!(simulator.requests(), [], "{vendor:?}");
    }
}
