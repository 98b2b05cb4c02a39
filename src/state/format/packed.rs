//! A state that has to fit into a small store: what is only ours to read is packed, what others read stays as it is.

use super::faults::{check, describe};
use super::history::History;
use super::state::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::{Map, Value, json};
use std::io::{Read as _, Write as _};

/// The field that is packed first: our own.
const OURS: &str = "deployNative";

/// The field that is packed next. The CLI has it for the removal of records, for which it reads ours through us.
const RECORDS: &str = "dnsRecords";

/// The field that is packed last. Who does not find it asks DNS once more.
const VERIFIED: &str = "dnsVerified";

/// The one field of `deployNative` when it is packed.
const PACKED: &str = "packed";

/// More than any state has; a store must not make us inflate something endless.
const LARGEST: u64 = 4 << 20;

impl State {
    /// The state as JSON for a store that takes texts of so many bytes.
    ///
    /// It is as it always is while it fits. Where it does not, `deployNative`, then `dnsRecords` and at last `dnsVerified` as
    /// well, is packed into `deployNative.packed`; ids, credentials and generated secrets stay readable. Where that is not
    /// enough, of the deployments that could be brought back those are left out that the server has as well, then the
    /// oldest. It may still not fit.
    pub fn to_json_within(&self, limit: usize) -> Value {
        let mut value = self.packed_within(limit);
        if value.to_string().len() <= limit || self.deploy_native.history.is_empty() {
            return value;
        }
        let mut shorter = self.clone();
        shorter.deploy_native.history.leave_out_current();
        loop {
            value = shorter.packed_within(limit);
            if value.to_string().len() <= limit {
                return value;
            }
            if !shorter.deploy_native.history.forget_oldest() {
                break;
            }
        }
        shorter.deploy_native.history = History::default();
        shorter.packed_within(limit)
    }

    fn packed_within(&self, limit: usize) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        for fields in [&[][..], &[OURS], &[OURS, RECORDS], &[OURS, RECORDS, VERIFIED]] {
            if value.to_string().len() <= limit {
                break;
            }
            if let Value::Object(state) = &mut value {
                pack(state, fields);
            }
        }
        value
    }

    /// A state's JSON as it was before [`Self::to_json_within`]; other JSON stays as it is.
    pub fn unpacked(mut value: Value) -> Value {
        if let Value::Object(state) = &mut value {
            unpack_fields(state);
        }
        value
    }
}

/// Packs fields into one; what is packed already is packed anew with the others.
fn pack(state: &mut Map<String, Value>, fields: &[&str]) {
    unpack_fields(state);
    let mut packed: Map<String, Value> =
        fields.iter().filter_map(|field| Some(((*field).to_owned(), state.shift_remove(*field)?))).collect();
    if packed.is_empty() {
        return;
    }
    leave_out_known(packed.get_mut(OURS));
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(Value::Object(packed).to_string().as_bytes());
    let bytes = encoder.finish().unwrap_or_default();
    state.insert(OURS.to_owned(), json!({ PACKED: URL_SAFE_NO_PAD.encode(bytes) }));
}

/// Leaves out what the server has as well: image and environment of each app, which the fingerprint of its deployment
/// covers.
fn leave_out_known(ours: Option<&mut Value>) {
    let deployed = ours.and_then(|ours| ours.get_mut("deployed")).and_then(Value::as_object_mut);
    for app in deployed.into_iter().flat_map(|apps| apps.values_mut()) {
        if let Value::Object(fields) = app {
            fields.shift_remove("image");
            fields.shift_remove("environment");
        }
    }
}

/// What cannot be unpacked stays as it is, and is then no `deployNative` that anybody knows.
fn unpack_fields(state: &mut Map<String, Value>) {
    let text = state.get(OURS).and_then(|ours| ours.get(PACKED)).and_then(Value::as_str);
    let fields = text.and_then(inflate);
    if let Some(fields) = fields {
        state.shift_remove(OURS);
        state.extend(fields);
    }
}

fn inflate(text: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let mut json = Vec::new();
    DeflateDecoder::new(bytes.as_slice()).take(LARGEST).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Whether a text may hold something packed.
pub(super) fn may_be_packed(bytes: &[u8]) -> bool {
    let needle = format!("\"{PACKED}\"");
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// Reads a state in which something may be packed; the error is the end of a sentence.
pub(super) fn parse_packed(value: Value, stage: &str) -> Result<State, String> {
    let value = State::unpacked(value);
    if value.pointer(&format!("/{OURS}/{PACKED}")).is_some() {
        return Err(format!("has a value of the wrong kind at `{OURS}.{PACKED}`"));
    }
    let state = serde_path_to_error::deserialize(value).map_err(|error| describe(&error))?;
    check(state, stage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{DnsRecordState, PushedImage, Verified};

    fn state(apps: usize) -> State {
        let mut state = State::new("staging");
        for number in 0..apps {
            let app = format!("app-{number}");
            let record = json!({
                "domain": "example.com", "name": app, "type": "A", "value": "192.0.2.1", "ttl": 300, "createdAt": "2026",
            });
            let record: DnsRecordState = serde_json::from_value(record).unwrap();
            state.dns_records.insert(format!("{app}:A"), record);
            let reference = format!("ghcr.io/org/{app}@sha256:{number:064x}");
            let image = PushedImage { reference, fingerprint: format!("{number:032x}"), ..PushedImage::default() };
            state.deploy_native.images.insert(app.clone(), image);
            state.applications.insert(app, format!("id-{number}"));
        }
        state.unknown.insert("other".to_owned(), json!({ "packed": "no" }));
        state
    }

    #[test]
    fn i5_whatever_the_limit_the_same_state_is_read_back() {
        let state = state(9);
        let plain = serde_json::to_string(&state).unwrap();
        let sizes: Vec<usize> = [usize::MAX, plain.len(), plain.len() - 1, 1500, 10]
            .into_iter()
            .map(|limit| {
                let text = state.to_json_within(limit).to_string();
                assert_eq!(super::super::parse(text.as_bytes(), "staging").unwrap(), state, "{limit}");
                let value: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(value["applications"]["app-3"], "id-3", "what others read is packed: {limit}");
                assert_eq!(State::from_json(value, "staging").unwrap(), state, "{limit}");
                text.len()
            })
            .collect();
        assert_eq!(sizes[..2], [plain.len(), plain.len()], "what fits was packed");
        assert!(sizes[2] < sizes[1] && sizes[3] < sizes[2] && sizes[3] == sizes[4], "{sizes:?}");
    }

    #[test]
    fn a_store_that_is_too_small_loses_the_oldest_deployments_and_nothing_else() {
        let mut state = state(7);
        for run in 0..3 {
            for number in 0..7 {
                let (app, at) = (format!("app-{number}"), format!("2026-11-0{}T00:00:00Z", run + 1));
                let image =
                    format!("ghcr.io/org/{app}@sha256:{:064x}", 1_000_003_u64.pow(2) * (run + 1) * (number + 3));
                let id = format!("{run}{number}abcdefghij");
                let verified = Verified { id, at, image, ..Verified::default() };
                state.deploy_native.history.remember(&app, verified);
            }
        }
        let whole = state.packed_within(1).to_string().len();
        let kept = |limit: usize| {
            let text = state.to_json_within(limit).to_string();
            assert!(text.len() <= limit, "{} of {limit}", text.len());
            let read = super::super::parse(text.as_bytes(), "staging").unwrap();
            let history = read.deploy_native.history.clone();
            let without = State {
                deploy_native: crate::state::Extension { history: History::default(), ..read.deploy_native },
                ..read
            };
            let mut expected = state.clone();
            expected.deploy_native.history = History::default();
            assert_eq!(without, expected);
            (0..7).map(|number| history.deployments(&format!("app-{number}")).len()).sum::<usize>()
        };
        assert_eq!(kept(whole), 21);
        assert_eq!(kept(whole - 1), 21, "first goes what the server has as well");
        let mut smaller = state.clone();
        smaller.deploy_native.history.leave_out_current();
        let fewer = kept(smaller.packed_within(1).to_string().len() - 1);
        assert_eq!(fewer, 20, "then the oldest");
    }

    #[test]
    fn i5_what_cannot_be_unpacked_is_an_error_and_not_nothing() {
        for packed in ["AAAA", "!", ""] {
            let value = json!({ "provider": "dokploy", "stage": "staging", "deployNative": { "packed": packed } });
            let fault = super::super::parse(value.to_string().as_bytes(), "staging").unwrap_err();
            assert_eq!(fault, "has a value of the wrong kind at `deployNative.packed`");
            assert!(State::from_json(value, "staging").is_err());
        }
    }
}
