//! Tells an endless loop from work that goes on: it uses the processor and loads nothing more.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often it is looked.
const INTERVAL: Duration = Duration::from_millis(200);
/// For how long nothing was loaded in an endless loop.
const LONGEST_PAUSE: Duration = Duration::from_millis(3_200);
/// How much of the processor it has used meanwhile: on a busy machine it does not get all.
const PROCESSOR_TIME: Duration = Duration::from_secs(2);

/// Ends when the process is in an endless loop; never where the system does not tell what it uses.
pub(super) async fn stalled(process: Option<u32>, records: &Path) {
    let Some(process) = process else { return std::future::pending().await };
    let mut loads = Loads::default();
    let mut since = Instant::now();
    let mut used_before = Duration::ZERO;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(used) = processor_time(process) else { continue };
        if loads.went_on(records) {
            since = Instant::now();
            used_before = used;
        }
        if since.elapsed() >= LONGEST_PAUSE && used.saturating_sub(used_before) >= PROCESSOR_TIME {
            return;
        }
    }
}

/// What was read of the records of a run.
#[derive(Default)]
struct Loads {
    read: u64,
}

impl Loads {
    /// Whether modules were loaded since the last look.
    fn went_on(&mut self, records: &Path) -> bool {
        let mut added = Vec::new();
        let Ok(mut file) = File::open(records) else { return false };
        if file.seek(SeekFrom::Start(self.read)).is_err() || file.read_to_end(&mut added).is_err() {
            return false;
        }
        // A line that is not whole yet is read again.
        let whole = added.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.read += u64::try_from(whole).unwrap_or(0);
        added[..whole].split(|byte| *byte == b'\n').any(|line| {
            let line = String::from_utf8_lossy(line);
            [r#""type":"working""#, r#""type":"loaded""#, r#""type":"finished""#].iter().any(|kind| line.contains(kind))
        })
    }
}

/// The processor time that the main thread of a process has used.
#[cfg(target_os = "linux")]
fn processor_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/task/{process}/stat")).ok()?;
    // The name in parentheses may hold blanks; behind it the fields are counted from the third.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1_000 / rustix::param::clock_ticks_per_second()))
}

#[cfg(not(target_os = "linux"))]
fn processor_time(_process: u32) -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loading_counts_as_going_on() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut loads = Loads::default();
        let add = |text: &str| std::io::Write::write_all(&mut file.as_file(), text.as_bytes()).unwrap();
        assert!(!loads.went_on(file.path()));
        add("{\"nonce\":\"n\",\"type\":\"asked\"}\n{\"nonce\":\"n\",\"type\":\"loa");
        assert!(!loads.went_on(file.path()));
        add("ded\"}\n");
        assert!(loads.went_on(file.path()));
        assert!(!loads.went_on(file.path()));
    }
}
