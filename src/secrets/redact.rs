//! Removes known secrets from text that is about to be shown.

use super::digest::hex;
use super::secret::Secret;
use base64::Engine as _;
use std::collections::BTreeSet;
use std::sync::RwLock;

/// Shorter values are too common in ordinary text to be replaced.
const SHORTEST: usize = 6;

/// Knows the secrets of a run and replaces them in text: raw, and as base64, hex, URL-encoded and JSON-escaped (I6).
#[derive(Default)]
pub struct Redactor {
    /// Longest first, so that a secret which contains another is replaced whole.
    needles: RwLock<BTreeSet<(std::cmp::Reverse<usize>, String)>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Redactor(***)")
    }
}

impl Redactor {
    /// Makes one that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret, in every form in which it may appear.
    ///
    /// Values shorter than six characters are not added.
    pub fn add(&self, secret: &Secret) {
        let value = secret.expose();
        if value.len() < SHORTEST {
            return;
        }
        let Ok(mut needles) = self.needles.write() else { return };
        for form in forms(value) {
            needles.insert((std::cmp::Reverse(form.len()), form));
        }
    }

    /// Returns `text` with every known secret replaced by `***`.
    pub fn redact(&self, text: &str) -> String {
        let mut redacted = text.to_owned();
        let Ok(needles) = self.needles.read() else { return "***".to_owned() };
        for (_, needle) in needles.iter() {
            if redacted.contains(needle.as_str()) {
                redacted = redacted.replace(needle.as_str(), "***");
            }
        }
        redacted
    }
}

/// The texts as which a value may leak.
fn forms(value: &str) -> Vec<String> {
    let hex = hex(value.as_bytes());
    let json = serde_json::to_string(value).unwrap_or_default();
    let base64 = base64::engine::general_purpose::STANDARD.encode(value);
    let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value);
    let percent = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string();
    let form = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let mut all = vec![
        value.to_owned(),
        json.trim_matches('"').to_owned(),
        base64.trim_end_matches('=').to_owned(),
        url_safe,
        hex.to_uppercase(),
        hex,
        percent,
        form,
    ];
    // A log line carries one line of a value of several lines.
    all.extend(value.lines().filter(|line| line.len() >= SHORTEST).map(str::to_owned));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_secrets_are_replaced_in_every_form() {
        let redactor = Redactor::new();
        redactor.add(&Secret::new("p@ss \"word\" 1"));
        for form in forms("p@ss \"word\" 1") {
            let shown = redactor.redact(&format!("before {form} after"));
            assert!(shown.starts_with("before ***") && shown.ends_with(" after"), "{form} became {shown}");
        }
    }

    #[test]
    fn i6_a_secret_that_contains_another_is_replaced_whole() {
        let redactor = Redactor::new();
        redactor.add(&Secret::new("secret"));
        redactor.add(&Secret::new("secret-longer"));
        assert_eq!(redactor.redact("x secret-longer y"), "x *** y");
    }
}
