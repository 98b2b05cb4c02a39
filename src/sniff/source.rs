//! What can be read from source text itself: what code that did not run would have asked for.

use std::collections::BTreeSet;

/// Whether code that did not run to its end may ask for variables other than `known`.
pub(super) fn may_ask_for_more(text: &str, known: &BTreeSet<&str>) -> bool {
    let mut rest = text;
    while let Some(position) = rest.find("get(") {
        rest = &rest[position + 4..];
        let argument = rest.trim_start();
        let Some(quote) = argument.chars().next().filter(|c| matches!(c, '\'' | '"' | '`')) else { continue };
        let Some(name) = argument[1..].split(quote).next() else { continue };
        if !known.contains(name) {
            return true;
        }
    }
    false
}
