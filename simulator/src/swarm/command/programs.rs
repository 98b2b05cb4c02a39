//! Programs that a container runs besides a shell's own: those that connect, and those that an image declares.

use std::collections::BTreeMap;

use super::psql;
use crate::program::Program;
use crate::swarm::network;
use crate::swarm::task::TaskRef;
use crate::world::World;

/// Whether a shell can open a file for reading: `/dev/tcp/{host}/{port}` connects, as in `bash`; others are there.
pub(super) fn opens(world: &World, at: &TaskRef, path: &str) -> bool {
    let Some(address) = path.strip_prefix("/dev/tcp/") else { return true };
    let Some((host, port)) = address.split_once('/') else { return false };
    port.parse().is_ok_and(|port| network::accepts(world, at, host, port))
}

/// `nc -z host port`, and `curl` or `wget` of one address; their exit status.
pub(super) fn connect(world: &World, at: &TaskRef, program: &str, arguments: &[String]) -> i64 {
    if program == "nc" {
        let [.., host, port] = arguments else { return 1 };
        let accepts = port.parse().is_ok_and(|port| network::accepts(world, at, host, port));
        return i64::from(!accepts);
    }
    let (unreachable, refused) = if program == "curl" { (7, 22) } else { (4, 8) };
    let Some(address) = arguments.iter().find_map(|argument| argument.strip_prefix("http://")) else { return 2 };
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let (host, port) = host.split_once(':').unwrap_or((host, "80"));
    let port = port.parse().unwrap_or(0);
    match network::status(world, at, host, port, &format!("/{path}")) {
        None => unreachable,
        Some(status) if status < 400 => 0,
        Some(_) => refused,
    }
}

/// Plays a program that the image declares; returns its exit status.
pub(super) async fn play(
    world: &World,
    variables: &BTreeMap<String, String>,
    log: &(dyn Fn(&str) + Sync),
    program: &Program,
) -> i64 {
    let mut time = world.clock.timeline();
    if let Some(sql) = program.statements() {
        let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
        let arguments = [&url, "-v", "ON_ERROR_STOP=1", "-c", sql].map(str::to_owned);
        let mut print = |text: &str| text.lines().for_each(log);
        let finished = psql::run(world, &arguments, variables, None, &mut print).await;
        finished.errors.lines().for_each(log);
        if finished.status != 0 {
            return 1;
        }
        time = world.clock.timeline();
    }
    let mut passed = 0;
    for (millis, line) in program.lines() {
        time.pass(millis.saturating_sub(passed)).await;
        passed = passed.max(*millis);
        log(line);
    }
    match program.end() {
        Some((millis, status)) => {
            time.pass(millis.saturating_sub(passed)).await;
            status
        }
        None => std::future::pending().await,
    }
}
