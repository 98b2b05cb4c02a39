//! How a run writes times.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time as ISO 8601 in UTC with milliseconds: `2026-01-17T12:00:00.000Z`.
pub(crate) fn iso_millis(time: OffsetDateTime) -> String {
    let millis = time.replace_nanosecond(u32::from(time.millisecond()) * 1_000_000).unwrap_or(time);
    let text = millis.format(&Rfc3339).unwrap_or_default();
    // Rfc3339 leaves out zero milliseconds and their trailing zeros.
    match text.strip_suffix('Z').map(|text| text.split_once('.').unwrap_or((text, ""))) {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<3}Z"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_have_three_digits_of_milliseconds() {
        assert_eq!(iso_millis(datetime!(2026-01-17 12:00:00 UTC)), "2026-01-17T12:00:00.000Z");
        assert_eq!(iso_millis(datetime!(2026-01-17 12:00:00.25 UTC)), "2026-01-17T12:00:00.250Z");
        assert_eq!(iso_millis(datetime!(2026-01-17 12:00:00.123456789 UTC)), "2026-01-17T12:00:00.123Z");
    }
}
