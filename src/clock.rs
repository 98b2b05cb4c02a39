//! A clock for terms that are kept with others: it goes on while the machine sleeps, and nobody sets it.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The time since the machine was started, sleep included; `std`'s own monotonic clock leaves that out on Linux.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// A moment, counted from one that is the same for the whole process.
pub(crate) fn uptime() -> Duration {
    let now = clock_gettime(CLOCK);
    // Neither is negative: the clock begins with the machine.
    Duration::new(now.tv_sec.try_into().unwrap_or_default(), now.tv_nsec.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_at_the_pace_of_time() {
        let (before, instant) = (uptime(), std::time::Instant::now());
        std::thread::sleep(Duration::from_millis(30));
        let (passed, real) = (uptime() - before, instant.elapsed());
        assert!(passed >= Duration::from_millis(30) && passed.abs_diff(real) < Duration::from_millis(20));
    }
}
