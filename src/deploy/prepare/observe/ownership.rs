//! Which of several resources of one name is ours, and which are idle twins (design: finding what exists).

use crate::plan::{Ownership, Twin, TwinKind};
use crate::{DeployError, ErrorCode};

/// A resource as its parent lists it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Its id.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// Whether it carries our mark.
    pub(super) marked: bool,
    /// Whether it was never used, so that removing it loses nothing.
    pub(super) idle: bool,
    /// When it was made, as ISO 8601.
    pub(super) created_at: String,
}

/// The resource that was found, and our idle twins beside it.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// The resource's id and whose it is.
    pub(super) chosen: Option<(String, Ownership)>,
    /// What an interrupted create left.
    pub(super) twins: Vec<Twin>,
}

/// Finds a resource: by the id in the state, else by its exact name and our mark, else by its exact name alone.
///
/// # Errors
///
/// `RESOURCE_AMBIGUOUS` when several could be meant: it lists them, and never guesses.
pub(super) fn select(
    kind: TwinKind,
    name: &str,
    known: Option<&str>,
    candidates: &[Candidate],
) -> Result<Selection, DeployError> {
    if let Some(chosen) = known.and_then(|id| candidates.iter().find(|candidate| candidate.id == id)) {
        return Ok(ours(kind, chosen, candidates));
    }
    let named: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.name == name).collect();
    let mut marked: Vec<&Candidate> = named.iter().copied().filter(|candidate| candidate.marked).collect();
    marked.sort_by(|a, b| (a.idle, &a.created_at).cmp(&(b.idle, &b.created_at)));
    if let Some(first) = marked.first() {
        let used: Vec<&Candidate> = marked.iter().copied().filter(|candidate| !candidate.idle).collect();
        return if used.len() > 1 { Err(ambiguous(kind, name, &used)) } else { Ok(ours(kind, first, candidates)) };
    }
    match named.as_slice() {
        [] => Ok(Selection::default()),
        [only] => Ok(Selection { chosen: Some((only.id.clone(), Ownership::Foreign)), twins: Vec::new() }),
        several => Err(ambiguous(kind, name, several)),
    }
}

fn ours(kind: TwinKind, chosen: &Candidate, candidates: &[Candidate]) -> Selection {
    let twin = |candidate: &&Candidate| {
        candidate.id != chosen.id && candidate.name == chosen.name && candidate.marked && candidate.idle
    };
    let twins = candidates.iter().filter(twin).map(|candidate| Twin {
        kind,
        id: candidate.id.clone(),
        name: candidate.name.clone(),
    });
    Selection { chosen: Some((chosen.id.clone(), Ownership::Ours)), twins: twins.collect() }
}

fn ambiguous(kind: TwinKind, name: &str, candidates: &[&Candidate]) -> DeployError {
    let kind = format!("{kind:?}").to_lowercase();
    let ids: Vec<&str> = candidates.iter().map(|candidate| candidate.id.as_str()).collect();
    DeployError::new(
        ErrorCode::ResourceAmbiguous,
        format!("{} {kind}s of the name `{name}` exist on the server: {}", candidates.len(), ids.join(", ")),
    )
    .resource(format!("{kind} {name}"))
    .hint("Remove or rename all but one on the server, or put the id of the right one into the state file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: &str, marked: bool, idle: bool) -> Candidate {
        Candidate { id: id.into(), name: "api".into(), marked, idle, created_at: id.into() }
    }

    fn chosen(known: Option<&str>, candidates: &[Candidate]) -> Option<(String, Ownership)> {
        select(TwinKind::Application, "api", known, candidates).unwrap().chosen
    }

    #[test]
    fn i8_the_state_comes_first_then_the_mark_then_the_name() {
        let all = [candidate("a", false, false), candidate("b", true, false)];
        assert_eq!(chosen(Some("a"), &all), Some(("a".into(), Ownership::Ours)));
        assert_eq!(chosen(None, &all), Some(("b".into(), Ownership::Ours)));
        assert_eq!(chosen(Some("gone"), &all[..1]), Some(("a".into(), Ownership::Foreign)));
        assert_eq!(chosen(None, &[]), None);
    }

    #[test]
    fn i3_an_idle_twin_is_named_and_never_chosen_over_one_in_use() {
        let all = [candidate("a", true, true), candidate("b", true, false)];
        let selection = select(TwinKind::Application, "api", None, &all).unwrap();
        assert_eq!(selection.chosen, Some(("b".into(), Ownership::Ours)));
        assert_eq!(selection.twins.iter().map(|twin| twin.id.as_str()).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn i3_of_two_idle_twins_the_older_one_stays() {
        let selection =
            select(TwinKind::Application, "api", None, &[candidate("b", true, true), candidate("a", true, true)])
                .unwrap();
        assert_eq!(selection.chosen, Some(("a".into(), Ownership::Ours)));
        assert_eq!(selection.twins.len(), 1);
    }

    #[test]
    fn several_in_use_are_listed_and_never_guessed_at() {
        for marked in [true, false] {
            let all = [candidate("a", marked, false), candidate("b", marked, false)];
            let error = select(TwinKind::Application, "api", None, &all).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ResourceAmbiguous);
            assert!(error.message().contains("a, b"));
        }
    }

    #[test]
    fn i8_a_foreign_namesake_is_no_twin() {
        let all = [candidate("a", true, false), candidate("b", false, true)];
        assert!(select(TwinKind::Application, "api", None, &all).unwrap().twins.is_empty());
    }
}
