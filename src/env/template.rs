//! Docker Swarm's templates: it expands every value of a service's environment as a Go template (`{{.Node.Hostname}}`).
//!
//! A value that merely contains `{{` would change, or make Swarm refuse the service, with the value in its message. So
//! each `{{` is written as an expression that yields it.

/// What opens an expression; everything else, `}}` too, stands for itself.
const OPEN: &str = "{{";

/// Expressions that yield [`OPEN`]. One of them suits any way of quoting: each has only one kind of quote.
pub(super) const LITERALS: [&str; 2] = [r#"{{"{{"}}"#, "{{`{{`}}"];

/// Whether Swarm would take the value for a template.
pub(super) fn opens(value: &str) -> bool {
    value.contains(OPEN)
}

/// Writes a value such that Swarm expands it to itself.
pub(super) fn escape(value: &str, literal: &str) -> String {
    value.replace(OPEN, literal)
}

/// What a container gets for a value as [`encode_env`](super::encode_env) writes it for Swarm; `None` when it holds any other expression, whose value
/// depends on the task, or which Swarm refuses.
pub(crate) fn expand(written: &str) -> Option<String> {
    let mut value = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(open) = rest.find(OPEN) {
        value.push_str(&rest[..open]);
        value.push_str(OPEN);
        rest = LITERALS.iter().find_map(|literal| rest[open..].strip_prefix(literal))?;
    }
    value.push_str(rest);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_expressions_are_undone() {
        for value in ["", "plain", "{ {", "}}", "{{", "{{{", "{{{{", "{{{{{", "{{.Node.Hostname}}", r#"{{"{{"}}"#] {
            for literal in LITERALS {
                let written = escape(value, literal);
                assert_eq!(expand(&written).as_deref(), Some(value), "{written}");
                assert_eq!(written == value, !opens(value), "what has no template stays as it is");
            }
        }
        for template in ["{{.Node.Hostname}}", "{{", r#"{{ "{{" }}"#, r#"{{"{{"}}{{name}}"#] {
            assert_eq!(expand(template), None, "{template}");
        }
    }
}
