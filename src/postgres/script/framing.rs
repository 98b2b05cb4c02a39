//! How a script's answer is found in what its transport returns.
//!
//! A script prints its answer as lines `{nonce}.{digest}.{number}.{count}.{piece};`: its JSON text in base64, cut into
//! pieces, each with the digest of the whole. Text before the nonce (the timestamp of a log) and after the semicolon,
//! lines of others, lines out of order or twice, and the lines of several attempts do no harm; what is missing, cut off
//! or altered is noticed. A line is far shorter than the 16 KiB at which Docker splits a line of a log, and few lines
//! carry much, since a log is read by its last lines. Of a log that is too long to be read at once the lines can be found
//! by what they begin with: [`rest`] says how.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How many characters of base64 stand in a line; a multiple of four, so that each line can be read for itself.
const PIECE: usize = 3000;
/// More lines than any answer has.
const MOST_LINES: usize = 1 << 16;
/// How many digits a line's number has.
const DIGITS: usize = 5;
/// How many of these are left out where lines are searched for: a hundred lines are found at once, some 300 kB.
const WILD_DIGITS: usize = 2;
/// How many hexadecimal digits tell one answer from another.
const DIGEST: usize = 16;

/// Prints the JSON array that the setting `deploy_native.result` holds; the last statement of a script that answers.
///
/// It runs after the transaction, where names may be looked up in anyone's schema: so each is given in full, and there
/// are no operators.
pub(super) static PRINT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH answer(bytes) AS MATERIALIZED (SELECT pg_catalog.convert_to(\
         pg_catalog.current_setting('deploy_native.result'), 'UTF8')), \
         whole(digest, text) AS MATERIALIZED (SELECT \
         pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(answer.bytes), 'hex'), 1, {DIGEST}), \
         pg_catalog.translate(pg_catalog.encode(answer.bytes, 'base64'), pg_catalog.chr(10), '') FROM answer), \
         piece(digest, number, text) AS MATERIALIZED (SELECT whole.digest, start.number, \
         pg_catalog.substr(whole.text, start.at, {PIECE}) FROM whole, \
         pg_catalog.generate_series(1, pg_catalog.length(whole.text), {PIECE}) WITH ORDINALITY AS start(at, number)) \
         SELECT pg_catalog.format('%s.%s.%s.%s.%s;', pg_catalog.current_setting('deploy_native.frame'), piece.digest, \
         pg_catalog.lpad(pg_catalog.format('%s', piece.number), {DIGITS}, '0'), pg_catalog.count(*) OVER (), \
         piece.text) FROM piece ORDER BY piece.number"
    )
});

/// A line that was found.
struct Line<'a> {
    digest: &'a str,
    number: usize,
    count: usize,
    piece: &'a str,
}

/// The pieces of each answer by their number; an answer is known by its digest and how many pieces it has.
type Answers<'a> = BTreeMap<(&'a str, usize), BTreeMap<usize, &'a str>>;

fn collect<'a>(output: &'a str, nonce: &'a str) -> Answers<'a> {
    let mut answers = Answers::new();
    for line in output.lines().flat_map(|line| parse(line, nonce)) {
        answers.entry((line.digest, line.count)).or_default().insert(line.number, line.piece);
    }
    answers
}

/// What to search a log for, to find the lines of an answer that are not in the part of it that was read.
///
/// Each text finds at most a hundred lines; none where no answer has begun.
pub(super) fn rest(output: &str, nonce: &str) -> Vec<String> {
    let answers = collect(output, nonce);
    let Some(((digest, count), pieces)) = answers.into_iter().max_by_key(|(_, pieces)| pieces.len()) else {
        return Vec::new();
    };
    let missing = (1..=count).filter(|number| !pieces.contains_key(number));
    let mut texts: Vec<String> = missing
        .map(|number| {
            let number = format!("{number:0DIGITS$}");
            format!("{nonce}.{digest}.{}", &number[..DIGITS - WILD_DIGITS])
        })
        .collect();
    texts.dedup();
    texts
}

/// Finds the answer in `output`: one that is complete and as it was printed, or none.
pub(super) fn read(output: &str, nonce: &str) -> Option<Vec<Value>> {
    collect(output, nonce).into_iter().find_map(|((digest, count), pieces)| {
        let whole: String = (1..=count).map(|number| pieces.get(&number).copied()).collect::<Option<_>>()?;
        let bytes = STANDARD.decode(whole).ok()?;
        let same = hex::encode(Sha256::digest(&bytes)).get(..DIGEST) == Some(digest);
        if same { serde_json::from_slice(&bytes).ok() } else { None }
    })
}

/// The framed texts of a line; what stands around them may hold the nonce as well.
fn parse<'a>(line: &'a str, nonce: &'a str) -> impl Iterator<Item = Line<'a>> {
    let framed = line.match_indices(nonce).map(move |(at, _)| &line[at + nonce.len()..]);
    framed.filter_map(|framed| {
        let (framed, _) = framed.strip_prefix('.')?.split_once(';')?;
        let mut parts = framed.splitn(4, '.');
        let (digest, number, count) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let piece = parts.next()?;
        // A number that no answer can have would make us count to it.
        let plausible = (1..=count).contains(&number) && count <= MOST_LINES;
        plausible.then_some(Line { digest, number, count, piece })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NONCE: &str = "dn0123";

    /// What [`PRINT`] prints; the tests against PostgreSQL hold it to that.
    fn print(answer: &Value, piece: usize) -> Vec<String> {
        let text = answer.to_string();
        let (digest, whole) = (hex::encode(Sha256::digest(text.as_bytes())), STANDARD.encode(&text));
        let pieces: Vec<&[u8]> = whole.as_bytes().chunks(piece).collect();
        let line = |(number, piece): (usize, &&[u8])| {
            let piece = String::from_utf8_lossy(piece);
            format!("{NONCE}.{}.{:05}.{}.{piece};", &digest[..DIGEST], number + 1, pieces.len())
        };
        pieces.iter().enumerate().map(line).collect()
    }

    /// What stands around and between the lines of a log.
    fn noise() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("NOTICE:  00000: schema exists, skipping".to_owned()),
            Just(format!("LINE 1: SET deploy_native.frame = '{NONCE}';")),
            Just(format!("{NONCE}.0123456789abcdef.1.1.AAAA;")),
            Just(format!("{NONCE}.0123456789abcdef.99999999999.99999999999.AAAA;")),
            Just("psql: error: connection refused".to_owned()),
            "[^\\n]{0,40}",
        ]
    }

    fn answers() -> impl Strategy<Value = Vec<Value>> {
        let element = prop_oneof![any::<String>().prop_map(Value::from), any::<i64>().prop_map(Value::from)];
        prop::collection::vec(element, 0..30)
    }

    proptest! {
        #[test]
        fn an_answer_is_found_whatever_stands_around_its_lines_and_in_any_order(
            answer in answers(),
            others in prop::collection::vec(noise(), 0..8),
            before in "(2026-11-23T07:34:12\\.698123456Z |\u{1b}\\[31m|a b ){0,2}",
            after in "(\\r|\u{1b}\\[0m| trailing; text){0,2}",
            // An attempt that was ended before its last lines, and the same line twice.
            (cut, twice) in (0_usize..6, any::<bool>()),
            seed in any::<u64>(),
        ) {
            let value = Value::from(answer.clone());
            let mut lines: Vec<String> = print(&value, 40).iter().map(|line| format!("{before}{line}{after}")).collect();
            if twice {
                lines.extend(lines.clone());
            }
            lines.extend(print(&json!(["another", "attempt", "of many lines that did not end well"]), 40).into_iter().take(cut.min(1)));
            lines.extend(others);
            let mut random = seed;
            for index in (1..lines.len()).rev() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                lines.swap(index, usize::try_from(random >> 33).unwrap() % (index + 1));
            }
            prop_assert_eq!(read(&lines.join("\n"), NONCE), Some(answer));
        }

        #[test]
        fn an_answer_of_which_something_is_missing_or_altered_is_none(
            answer in answers(),
            (at, to) in (any::<prop::sample::Index>(), any::<char>()),
            cut in any::<prop::sample::Index>(),
        ) {
            let lines = print(&Value::from(answer.clone()), 40);
            let mut fewer = lines.clone();
            fewer.remove(cut.index(lines.len()));
            prop_assert_eq!(read(&fewer.join("\n"), NONCE), None);
            let text = lines.join("\n");
            let start = cut.index(text.len());
            prop_assert_eq!(read(&text[..start], NONCE), None);
            let mut altered: Vec<char> = text.chars().collect();
            let index = at.index(altered.len());
            altered[index] = to;
            let found = read(&altered.into_iter().collect::<String>(), NONCE);
            prop_assert!(found.is_none() || found == Some(answer));
        }

        #[test]
        fn any_text_is_read_without_harm(text in "(dn0123|\\.|;|[0-9]|A|\\n|\\PC){0,60}") {
            prop_assert_eq!(read(&text, NONCE), None);
        }
    }

    #[test]
    fn no_line_reaches_the_length_at_which_a_log_splits_it() {
        let answer: Vec<String> = (0..5000).map(|number| format!("check {number} \u{1F511}\n")).collect();
        let lines = print(&json!(answer), PIECE);
        assert!(lines.len() > 20 && lines.iter().all(|line| line.len() < 4 * 1024));
        assert_eq!(read(&lines.join("\n"), NONCE).unwrap().len(), 5000);
    }

    #[test]
    fn the_rest_of_an_answer_that_was_read_in_part_is_found_by_searching() {
        let answer: Vec<String> = (0..60_000).map(|number| format!("check {number}")).collect();
        let lines = print(&json!(answer), PIECE);
        assert!(lines.len() > 300, "{}", lines.len());
        let read_first = lines[..150].join("\n");
        let texts = rest(&read_first, NONCE);
        assert!(
            texts.len() < 5 && texts.iter().all(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.'))
        );
        let found = texts.iter().flat_map(|text| {
            let found: Vec<&String> = lines.iter().filter(|line| line.contains(text.as_str())).collect();
            assert!(found.len() <= 100);
            found
        });
        let all = found.fold(read_first.clone(), |all, line| all + "\n" + line);
        assert_eq!(read(&all, NONCE).unwrap().len(), 60_000);
        assert_eq!((rest(&all, NONCE), rest("", NONCE)), (vec![], vec![]));
    }

    #[test]
    fn an_empty_answer_is_an_answer() {
        assert_eq!(read(&print(&json!([]), PIECE).join("\n"), NONCE), Some(Vec::new()));
        assert_eq!(read("", NONCE), None);
    }
}
