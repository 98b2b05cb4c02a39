//! What is wrong with the text of a state, said without quoting a value of it (I6).

use super::state::State;

pub(super) fn check(state: State, stage: &str) -> Result<State, String> {
    state.mismatch(stage).map_or(Ok(state), Err)
}

/// Says where the text is wrong. The parser's own message may quote a value, so only its place is taken.
pub(super) fn describe(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    use serde_json::error::Category;
    let inner = error.inner();
    match inner.classify() {
        Category::Eof => place("ends in the middle", inner),
        Category::Syntax => place("is not JSON", inner),
        Category::Io => place("cannot be read", inner),
        Category::Data => {
            let text = inner.to_string();
            let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
            match (missing, error.path().to_string().as_str()) {
                (Some((field, _)), ".") => format!("lacks `{field}`"),
                (Some((field, _)), path) => format!("lacks `{field}` in `{path}`"),
                (None, ".") => "is not a JSON object of this kind".to_owned(),
                (None, path) => format!("has a value of the wrong kind at `{path}`"),
            }
        }
    }
}

pub(super) fn place(fault: &str, error: &serde_json::Error) -> String {
    format!("{fault} (line {}, column {})", error.line(), error.column())
}
