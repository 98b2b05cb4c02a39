//! Who holds a lease, as the text that the server keeps of it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What every text begins with, before the number of its version.
const OPENING: &str = "deploy-native/";

/// The version that is written. Later ones may add fields, and keep those of this one.
const VERSION: u32 = 1;

/// What stays readable in a value.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b':');

/// The run that holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeaseHolder {
    /// The machine it runs on.
    pub machine: String,
    /// Its process.
    pub process: u32,
    /// The run; no two have the same.
    pub run: String,
    /// When it began by its machine's clock, as ISO 8601.
    pub started_at: String,
    /// When it counts as dead, by the server's clock.
    pub deadline: OffsetDateTime,
}

impl LeaseHolder {
    /// Writes it as one line: `deploy-native/1 machine=ci-7 process=4711 run=k3x9 started=… deadline=…`.
    pub fn format(&self) -> String {
        let encode = |value: &str| utf8_percent_encode(value, ENCODED).to_string();
        format!(
            "{OPENING}{VERSION} machine={} process={} run={} started={} deadline={}",
            encode(&self.machine),
            self.process,
            encode(&self.run),
            encode(&self.started_at),
            iso(self.deadline),
        )
    }

    /// Reads a line back, also one of a later version. What is missing is empty, but without a run and a deadline it is
    /// none.
    pub fn parse(text: &str) -> Option<Self> {
        let (version, fields) = text.strip_prefix(OPENING)?.split_once(' ')?;
        version.parse::<u32>().ok()?;
        let mut holder = Self {
            machine: String::new(),
            process: 0,
            run: String::new(),
            started_at: String::new(),
            deadline: LONG_AGO,
        };
        for (key, value) in fields.split_ascii_whitespace().filter_map(|field| field.split_once('=')) {
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match key {
                "machine" => holder.machine = value,
                "process" => holder.process = value.parse().unwrap_or_default(),
                "run" => holder.run = value,
                "started" => holder.started_at = value,
                "deadline" => holder.deadline = OffsetDateTime::parse(&value, &Rfc3339).ok()?,
                _ => {}
            }
        }
        (!holder.run.is_empty() && holder.deadline != LONG_AGO).then_some(holder)
    }
}

const LONG_AGO: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn iso(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

impl fmt::Display for LeaseHolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, process, run, started_at, deadline } = self;
        write!(formatter, "process {process} on {machine} since {started_at} (run {run}), at the latest until ")?;
        formatter.write_str(&iso(*deadline))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    fn holder() -> LeaseHolder {
        LeaseHolder {
            machine: "ci-7".into(),
            process: 4711,
            run: "k3x9".into(),
            started_at: "2026-01-17T12:00:00Z".into(),
            deadline: datetime!(2026-01-17 12:01:00.5 UTC),
        }
    }

    #[test]
    fn a_holder_reads_like_this() {
        let text = "deploy-native/1 machine=ci-7 process=4711 run=k3x9 started=2026-01-17T12:00:00Z \
                    deadline=2026-01-17T12:01:00.5Z";
        assert_eq!(holder().format(), text);
        assert_eq!(
            holder().to_string(),
            "process 4711 on ci-7 since 2026-01-17T12:00:00Z (run k3x9), at the latest until 2026-01-17T12:01:00.5Z"
        );
    }

    #[test]
    fn a_later_version_is_read_and_another_text_is_none() {
        let later = format!("{} weight=3 flag", holder().format().replace("/1 ", "/27 "));
        assert_eq!(LeaseHolder::parse(&later), Some(holder()));
        let bare = LeaseHolder::parse("deploy-native/2 run=r deadline=2026-01-17T12:01:00.5Z").unwrap();
        assert_eq!((bare.run.as_str(), bare.process, bare.machine.as_str()), ("r", 0, ""));
        for text in [
            "",
            "#3b82f6",
            "deploy-native/1",
            "deploy-native/x run=r deadline=2026-01-17T12:01:00Z",
            "deploy-native/1 run=r",
            "deploy-native/1 deadline=2026-01-17T12:01:00Z",
            "deploy-native/1 run=r deadline=soon",
        ] {
            assert_eq!(LeaseHolder::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_holder_comes_back(
            machine in any::<String>(), process in any::<u32>(), run in "[^\0]{1,20}", started_at in any::<String>(),
            seconds in 1_i64..4_000_000_000, nanos in 0_i64..1_000_000_000,
        ) {
            let deadline = OffsetDateTime::UNIX_EPOCH + time::Duration::new(seconds, i32::try_from(nanos).unwrap());
            let holder = LeaseHolder { machine, process, run, started_at, deadline };
            let text = holder.format();
            prop_assert!(!text.contains(['\n', '\r']));
            prop_assert_eq!(LeaseHolder::parse(&text), Some(holder));
        }
    }
}
