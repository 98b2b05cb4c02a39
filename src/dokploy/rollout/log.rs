//! Logs as the server returns them, made fit to be shown.

/// How many lines of a log get into an error.
pub(super) const TAIL: u16 = 50;

/// Sorts a container log by time. The server mixes the tasks of a service; a line without a time belongs to the one
/// above it.
pub(super) fn sorted_by_time(log: &str) -> String {
    let mut entries: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in log.lines() {
        match (time(line), entries.last_mut()) {
            (None, Some((_, lines))) => lines.push(line),
            (time, _) => entries.push((time.unwrap_or_default(), vec![line])),
        }
    }
    entries.sort_by_key(|(time, _)| *time);
    entries.into_iter().flat_map(|(_, lines)| lines).collect::<Vec<_>>().join("\n")
}

/// The last lines of a log, without empty ones at its end.
pub(super) fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.trim_end().lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// The line of a deployment's log that says why it failed.
pub(super) fn failing_line(log: &str) -> Option<&str> {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let words = ["error", "denied", "unknown", "invalid", "unauthorized", "not found", "failed"];
    let weight = |line: &str| {
        let lower = line.to_lowercase();
        // Dokploy's own lines, marked so, only say that something failed.
        if line.contains('❌') { 0 } else { usize::from(words.iter().any(|word| lower.contains(word))) }
    };
    let best = lines.iter().enumerate().max_by_key(|(number, line)| (weight(line), *number));
    best.map(|(_, line)| *line)
}

/// The time at the beginning of a line: RFC 3339 in UTC with nanoseconds, which sorts as text.
fn time(line: &str) -> Option<&str> {
    let first = line.split(' ').next()?;
    let bytes = first.as_bytes();
    let dashes = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') && bytes.get(10) == Some(&b'T');
    (dashes && bytes.len() >= 20 && bytes.first().is_some_and(u8::is_ascii_digit)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_tasks_are_put_in_the_order_of_time() {
        let log = "2026-11-23T08:46:15.000000000Z second\n  at second\n2026-11-23T08:46:13.100571591Z first\n";
        let sorted = "2026-11-23T08:46:13.100571591Z first\n2026-11-23T08:46:15.000000000Z second\n  at second";
        assert_eq!(sorted_by_time(log), sorted);
        assert_eq!(sorted_by_time("b\na\n"), "b\na");
    }

    #[test]
    fn a_tail_has_no_more_lines_than_asked_for() {
        assert_eq!(tail("a\nb\nc\n\n", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
        assert_eq!(tail("", 2), "");
    }

    #[test]
    fn the_line_that_says_why_is_found() {
        let log = "Initializing deployment\nPulling 127.0.0.1:5000/nope:1\nError response from daemon: manifest for \
                   127.0.0.1:5000/nope:1 not found: manifest unknown\n❌ Pulling image failed\n\nError occurred ❌, check \
                   the logs for details.\n";
        assert!(failing_line(log).unwrap().starts_with("Error response from daemon: manifest for"));
        assert_eq!(failing_line("\n"), None);
    }
}
