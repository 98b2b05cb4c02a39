//! How a script's answer is found in what its transport returns.
//!
//! A script prints each element of its answer on a line of its own, `{nonce}:{process}:{number}:{count}:{json}`, with
//! line 0 for the frame itself. Text before the nonce (the timestamp of a log), text after the value, lines of others,
//! lines out of order and the lines of several attempts do no harm; a line that is missing is noticed.

use serde_json::Value;
use std::collections::BTreeMap;

/// Prints the JSON array that the setting `deploy_native.result` holds; the last statement of a script that answers.
pub(super) const PRINT: &str = "WITH result AS MATERIALIZED (\
    SELECT pg_catalog.current_setting('deploy_native.result')::pg_catalog.jsonb AS answer), \
    line(number, value) AS (SELECT 0, 'null'::pg_catalog.jsonb UNION ALL \
    SELECT element.number, element.value FROM result, \
    pg_catalog.jsonb_array_elements(result.answer) WITH ORDINALITY AS element(value, number)), \
    total(count) AS MATERIALIZED (SELECT pg_catalog.jsonb_array_length(result.answer) FROM result) \
    SELECT pg_catalog.format('%s:%s:%s:%s:%s', pg_catalog.current_setting('deploy_native.frame'), \
    pg_catalog.pg_backend_pid(), line.number, total.count, line.value) FROM line, total";

/// One attempt's lines, by number, and how many there should be.
type Attempt = (usize, BTreeMap<usize, Value>);

/// Finds the answer in `output`: that of the first attempt which is complete, or none.
pub(super) fn read(output: &str, nonce: &str) -> Option<Vec<Value>> {
    let mut attempts: Vec<(&str, Attempt)> = Vec::new();
    for line in output.lines() {
        let Some((process, number, count, value)) = parse(line, nonce) else { continue };
        let position = attempts.iter().position(|(known, _)| *known == process);
        let index = position.unwrap_or_else(|| {
            attempts.push((process, (count, BTreeMap::new())));
            attempts.len() - 1
        });
        attempts[index].1.1.insert(number, value);
    }
    let complete = attempts.into_iter().find(|(_, (count, lines))| (0..=*count).all(|line| lines.contains_key(&line)));
    complete
        .map(|(_, (_, lines))| lines.into_iter().filter(|(number, _)| *number > 0).map(|(_, value)| value).collect())
}

fn parse<'a>(line: &'a str, nonce: &str) -> Option<(&'a str, usize, usize, Value)> {
    let (_, framed) = line.split_once(nonce)?;
    let mut parts = framed.strip_prefix(':')?.splitn(4, ':');
    let process = parts.next()?;
    let number = parts.next()?.parse().ok()?;
    let count = parts.next()?.parse().ok()?;
    let value = serde_json::Deserializer::from_str(parts.next()?).into_iter().next()?.ok()?;
    Some((process, number, count, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_found_in_a_log() {
        let log = "2026-01-01T00:00:00Z psql: error: connection refused\n\
                   2026-01-01T00:00:02Z n0:71:2:2:\"b:c\"\u{1b}[0m\n\
                   n0:70:0:2:null\n\
                   NOTICE: other n1:71:1:2:\"x\"\n\
                   2026-01-01T00:00:01Z n0:71:1:2:{\"a\":1}\r\n\
                   n0:71:0:2:null\n";
        assert_eq!(read(log, "n0"), Some(vec![json!({"a": 1}), json!("b:c")]));
    }

    #[test]
    fn an_answer_with_a_line_missing_or_cut_off_is_none() {
        assert_eq!(read("n:1:0:2:null\nn:1:1:2:\"a\"\n", "n"), None);
        assert_eq!(read("n:1:0:1:null\nn:1:1:1:\"a", "n"), None);
        assert_eq!(read("n:1:1:1:1", "n"), None);
        assert_eq!(read("", "n"), None);
    }

    #[test]
    fn an_empty_answer_is_an_answer() {
        assert_eq!(read("n:1:0:0:null", "n"), Some(Vec::new()));
    }
}
