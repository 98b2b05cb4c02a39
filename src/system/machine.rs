//! The machine: its name, and how long it has been running.

use std::time::Duration;

/// The name of this machine.
pub(crate) fn host_name() -> String {
    #[cfg(unix)]
    {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }
    #[cfg(windows)]
    {
        std::env::var("COMPUTERNAME").unwrap_or_else(|_| "this machine".to_owned())
    }
}

/// A moment, counted from one that is the same for the whole process: it goes on while the machine sleeps, and nobody sets it.
///
/// It is for terms that are kept with others; `std`'s own monotonic clock leaves sleep out on Linux. On Windows it does not.
pub(crate) fn uptime() -> Duration {
    #[cfg(unix)]
    {
        #[cfg(target_os = "linux")]
        let clock = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let clock = rustix::time::ClockId::Monotonic;
        let now = rustix::time::clock_gettime(clock);
        // Neither is negative: the clock begins with the machine.
        Duration::new(now.tv_sec.try_into().unwrap_or_default(), now.tv_nsec.try_into().unwrap_or_default())
    }
    #[cfg(windows)]
    {
        static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
        START.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_at_the_pace_of_time() {
        let (before, instant) = (uptime(), std::time::Instant::now());
        std::thread::sleep(Duration::from_millis(30));
        let (passed, real) = (uptime().saturating_sub(before), instant.elapsed());
        assert!(passed >= Duration::from_millis(30) && passed.abs_diff(real) < Duration::from_millis(200));
    }
}
