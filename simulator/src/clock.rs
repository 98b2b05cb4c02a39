//! Simulated time: real time, compressed by a factor.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// Scales every simulated delay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    scale: f64,
}

impl Clock {
    pub(crate) fn new(scale: f64) -> Self {
        Self { scale: if scale.is_finite() { scale.max(0.0) } else { 1.0 } }
    }

    /// Waits `millis` of simulated time.
    pub(crate) async fn sleep(self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis).mul_f64(self.scale)).await;
    }

    /// Begins a chain of events now.
    pub(crate) fn timeline(self) -> Timeline {
        Timeline { scale: self.scale, at: tokio::time::Instant::now() }
    }

    /// Waits `seconds` of simulated time, but always some real time: who polls must not spin.
    pub(crate) async fn sleep_seconds(self, seconds: f64) {
        let wanted = Duration::try_from_secs_f64(seconds).unwrap_or_default().mul_f64(self.scale);
        tokio::time::sleep(wanted.max(Duration::from_millis(2))).await;
    }

    /// How much simulated time has passed since `instant`.
    pub(crate) fn since(self, instant: Instant) -> Duration {
        let real = instant.elapsed();
        if self.scale > 0.0 { real.div_f64(self.scale) } else { real }
    }
}

/// The moments of a chain of events, each exactly so long after the one before.
///
/// A chain that slept step by step would fall behind on a loaded machine, and overtake another one or be overtaken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeline {
    scale: f64,
    at: tokio::time::Instant,
}

impl Timeline {
    /// Waits until `millis` of simulated time after the last moment.
    pub(crate) async fn pass(&mut self, millis: u64) {
        self.at += Duration::from_millis(millis).mul_f64(self.scale);
        tokio::time::sleep_until(self.at).await;
    }
}

/// The server's time of day, which need not be that of whoever asks it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WallClock {
    /// By how much it is ahead of this machine's.
    ahead: time::Duration,
}

impl WallClock {
    pub(crate) fn ahead_by(ahead: time::Duration) -> Self {
        Self { ahead }
    }

    /// As Dokploy writes it: UTC with milliseconds.
    pub(crate) fn timestamp(self) -> String {
        let now = OffsetDateTime::now_utc() + self.ahead;
        let (hour, minute, second, milli) = now.to_hms_milli();
        format!("{}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", now.date())
    }

    /// As HTTP's `Date` header has it: in whole seconds.
    pub(crate) fn date(self) -> String {
        let now = OffsetDateTime::now_utc() + self.ahead;
        let (weekday, month) = (now.weekday().to_string(), now.month().to_string());
        let (hour, minute, second) = now.to_hms();
        format!("{:.3}, {:02} {:.3} {} {hour:02}:{minute:02}:{second:02} GMT", weekday, now.day(), month, now.year())
    }
}

/// How Docker says how long ago something was, for example `8 seconds` or `about a minute`.
pub(crate) fn human_duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0 => "less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "about a minute".to_owned(),
        120..2_760 => format!("{} minutes", seconds / 60),
        2_760..5_400 => "about an hour".to_owned(),
        _ => format!("{} hours", (seconds + 1_800) / 3_600),
    }
}
