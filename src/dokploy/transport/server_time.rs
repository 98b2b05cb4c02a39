//! The server's clock, as its responses tell it: a machine's own may be minutes off.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// `Date` counts whole seconds, and a server keeps the text of one for a while.
const COARSENESS: Duration = Duration::from_secs(2);

/// What an answer told of the server's clock, and when by ours.
#[derive(Debug, Clone, Copy)]
pub struct ServerTime {
    /// The time in its `Date` header.
    told: OffsetDateTime,
    /// When its request was sent, by [`uptime`](crate::system::uptime).
    sent: Duration,
    /// When it had arrived.
    answered: Duration,
}

impl ServerTime {
    /// The time that it is on the server at `now`, or an earlier one: as if the answer had been under way for no time.
    pub(crate) fn at_least(&self, now: Duration) -> OffsetDateTime {
        self.told + now.saturating_sub(self.answered)
    }

    /// The time that it is on the server at `now`, or a later one.
    pub(crate) fn at_most(&self, now: Duration) -> OffsetDateTime {
        self.told + COARSENESS + now.saturating_sub(self.sent)
    }
}

/// What the newest answer told.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<Option<ServerTime>>);

impl ServerClock {
    /// What the newest answer told; none before the first, and where answers carry no `Date`.
    pub(super) fn newest(&self) -> Option<ServerTime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the `Date` header of an answer in.
    pub(super) fn learn(&self, date: &str, sent: Duration, answered: Duration) {
        // `Date` always says GMT; a text that is none is as if there were none.
        let Ok(told) = OffsetDateTime::parse(date, &Rfc2822) else { return };
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Answers may overtake each other.
        if newest.is_none_or(|newest| newest.answered <= answered) {
            *newest = Some(ServerTime { told, sent, answered });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_time_lies_between_its_bounds() {
        let (clock, start) = (ServerClock::default(), seconds(1_000));
        clock.learn("Sun, 06 Nov 1994 08:49:37 GMT", start, start + seconds(3));
        let told = clock.newest().unwrap();
        let now = start + seconds(10);
        assert_eq!(told.at_least(now), datetime!(1994-11-06 08:49:44 UTC));
        assert_eq!(told.at_most(now), datetime!(1994-11-06 08:49:49 UTC));
    }

    #[test]
    fn the_newest_answer_counts_and_a_text_that_is_no_date_is_passed_by() {
        let (clock, start) = (ServerClock::default(), seconds(1_000));
        for text in ["", "now", "Sun, 06 Nov 1994 08:49:37", "784111777"] {
            clock.learn(text, start, start);
        }
        assert!(clock.newest().is_none());
        clock.learn("Sun, 06 Nov 1994 08:49:37 GMT", start, start + seconds(2));
        clock.learn("Sun, 06 Nov 1994 08:49:30 GMT", start, start + seconds(1));
        assert_eq!(clock.newest().unwrap().at_least(start + seconds(2)), datetime!(1994-11-06 08:49:37 UTC));
    }
}
