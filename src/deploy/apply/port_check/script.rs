//! What the application runs that tries ports, and what its log says.

use std::collections::BTreeMap;

/// What `sh` runs. Each argument is an address, as `host port`; an address that accepts a connection is printed. The words
/// of `SIXTY` count: after an hour it ends by itself, should nobody take it away.
pub(super) const SCRIPT: &str = concat!(
    "if command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then\n",
    "for minute in $SIXTY; do for second in $SIXTY; do for target; do\n",
    "if timeout 3 bash -c ': </dev/tcp/$0/$1' $target >/dev/null 2>&1; then echo \"accepts $target\"; fi\n",
    "done; echo round; sleep 1; done; done\n",
    "elif command -v node >/dev/null 2>&1; then\n",
    "for minute in $SIXTY; do for second in $SIXTY; do for target; do\n",
    "if node -e \"",
    "const s=require('net').connect(process.argv[2],process.argv[1]);",
    "s.setTimeout(3000,()=>process.exit(1)).on('error',()=>process.exit(1)).on('connect',()=>process.exit(0))",
    "\" $target >/dev/null 2>&1; then echo \"accepts $target\"; fi\n",
    "done; echo round; sleep 1; done; done\n",
    "elif command -v nc >/dev/null 2>&1; then\n",
    "for minute in $SIXTY; do for second in $SIXTY; do for target; do\n",
    "if nc -z -w 3 $target >/dev/null 2>&1; then echo \"accepts $target\"; fi\n",
    "done; echo round; sleep 1; done; done\n",
    "else echo 'nothing here connects'; fi\n",
);

/// The value of `SIXTY`.
pub(super) fn sixty() -> String {
    (1..=60).map(|number: u8| number.to_string()).collect::<Vec<_>>().join(" ")
}

/// What the log says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// The time of the newest line.
    pub(super) newest: String,
    /// When each address accepted a connection last.
    pub(super) accepted: BTreeMap<String, String>,
    /// Whether there is no program that connects.
    pub(super) unable: bool,
}

/// Reads the log: lines that begin with the server's time, in any order.
pub(super) fn read(log: &str) -> Reading {
    let mut reading = Reading::default();
    for (time, text) in log.lines().filter_map(|line| line.split_once(' ')) {
        let later = |known: &String| known.as_str() < time;
        if later(&reading.newest) {
            time.clone_into(&mut reading.newest);
        }
        if let Some(target) = text.trim_end().strip_prefix("accepts ") {
            let known = reading.accepted.entry(target.to_owned()).or_default();
            if later(known) {
                time.clone_into(known);
            }
        }
        reading.unable |= text.trim_end() == "nothing here connects";
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_which_address_accepted_last_and_when() {
        let log = "2026-01-01T00:00:02.5Z accepts api-1 3000\n2026-01-01T00:00:01.0Z accepts api-1 3000\n\
                   2026-01-01T00:00:03.0Z round\nstray\n";
        let reading = read(log);
        assert_eq!(reading.accepted["api-1 3000"], "2026-01-01T00:00:02.5Z");
        assert_eq!((reading.newest.as_str(), reading.unable), ("2026-01-01T00:00:03.0Z", false));
        assert!(read("2026-01-01T00:00:03.0Z nothing here connects\n").unable);
    }

    #[test]
    fn the_script_is_one_that_a_real_shell_takes() {
        let checked = std::process::Command::new("sh").args(["-n", "-c", SCRIPT]).status().unwrap();
        assert!(checked.success());
    }

    #[test]
    fn a_real_shell_tells_what_listens_from_what_does_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap().port();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let targets = [format!("127.0.0.1 {open}"), format!("127.0.0.1 {closed}")];
        // One word counts once: a single round.
        let run =
            std::process::Command::new("sh").args(["-c", SCRIPT, "probe"]).args(&targets).env("SIXTY", "1").output();
        let output = String::from_utf8(run.unwrap().stdout).unwrap();
        assert_eq!(output, format!("accepts 127.0.0.1 {open}\nround\n"));
    }
}
