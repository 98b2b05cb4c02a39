//! The mark by which we know what is ours (I8), kept in the `description` of a resource.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands at the beginning of every mark.
const OPENING: &str = "[deploy-native ";

/// What stays readable in a value; the rest is percent-encoded, so that a value can end neither itself nor the mark.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Says that a resource belongs to a workspace, and as what.
///
/// As text: `[deploy-native workspace=shop stage=staging app=api]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The workspace.
    pub workspace: String,
    /// The stage; a project has none, because its stages share it.
    pub stage: Option<String>,
    /// What kind of resource it is.
    pub kind: MarkKind,
    /// Its name, for instance the app's.
    pub name: String,
}

/// What kind of resource carries a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// The workspace's project.
    Project,
    /// A stage's environment.
    Environment,
    /// An app's application.
    App,
    /// A Postgres service.
    Postgres,
    /// A Redis service.
    Redis,
    /// A short-lived application that works on a database from inside the server's network.
    Job,
    /// A short-lived application that runs what an app wants run before it is deployed; its name is the app's.
    Release,
}

impl MarkKind {
    /// Every kind.
    pub const ALL: &[Self] =
        &[Self::Project, Self::Environment, Self::App, Self::Postgres, Self::Redis, Self::Job, Self::Release];

    /// The kind as the mark writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Environment => "environment",
            Self::App => "app",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Job => "job",
            Self::Release => "release",
        }
    }
}

impl Mark {
    /// Writes the mark as one line of text; equal marks give equal texts.
    pub fn format(&self) -> String {
        let encode = |value: &str| utf8_percent_encode(value, ENCODED).to_string();
        let stage = self.stage.as_deref().map_or_else(String::new, |stage| format!(" stage={}", encode(stage)));
        let (workspace, name) = (encode(&self.workspace), encode(&self.name));
        format!("{OPENING}workspace={workspace}{stage} {}={name}]", self.kind.as_str())
    }

    /// Finds the mark in a description; the user's own text may stand around it. The last one counts.
    ///
    /// Fields that this version does not know are passed by. Text that only looks like a mark is none.
    pub fn parse(description: &str) -> Option<Self> {
        description.rmatch_indices(OPENING).find_map(|(start, opening)| {
            let rest = description.get(start + opening.len()..)?;
            let (fields, _) = rest.split_once(']')?;
            Self::from_fields(fields)
        })
    }

    /// Puts the mark into a description: in place of the one that is there, else behind the user's text.
    pub fn put_into(&self, description: &str) -> String {
        let mark = self.format();
        if let Some(old) = Self::parse(description) {
            let text = old.format();
            if description.contains(&text) {
                return description.replace(&text, &mark);
            }
        }
        let text = description.trim_end();
        if text.is_empty() { mark } else { format!("{text} {mark}") }
    }

    fn from_fields(fields: &str) -> Option<Self> {
        let (mut workspace, mut stage, mut resource) = (None, None, None);
        for field in fields.split_ascii_whitespace() {
            let (key, value) = field.split_once('=')?;
            let value = percent_decode_str(value).decode_utf8().ok()?.into_owned();
            match MarkKind::ALL.iter().find(|kind| kind.as_str() == key) {
                Some(kind) => resource = Some((*kind, value)),
                None if key == "workspace" => workspace = Some(value),
                None if key == "stage" => stage = Some(value),
                None => {}
            }
        }
        let (kind, name) = resource?;
        Some(Self { workspace: workspace?, stage, kind, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mark() -> Mark {
        let (workspace, stage) = ("shop".to_owned(), Some("staging".to_owned()));
        Mark { workspace, stage, kind: MarkKind::App, name: "api".to_owned() }
    }

    #[test]
    fn a_mark_reads_like_this() {
        assert_eq!(mark().format(), "[deploy-native workspace=shop stage=staging app=api]");
        let project = Mark { stage: None, kind: MarkKind::Project, name: "my shop".to_owned(), ..mark() };
        assert_eq!(project.format(), "[deploy-native workspace=shop project=my%20shop]");
    }

    #[test]
    fn i8_text_that_only_looks_like_a_mark_is_none() {
        for text in [
            "",
            "mark",
            "deploy-native workspace=shop stage=staging app=api",
            "[deploy-native workspace=shop stage=staging app=api",
            "[deploy-native workspace=shop stage=staging]",
            "[deploy-native stage=staging app=api]",
            "[deploy-native workspace=shop stage app=api]",
            "[deploy-native workspace=%ff app=api]",
            "[deploy-natives workspace=shop app=api]",
        ] {
            assert_eq!(Mark::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_passed_by() {
        let text = "[deploy-native workspace=shop stage=staging app=api since=2030]";
        assert_eq!(Mark::parse(text), Some(mark()));
    }

    #[test]
    fn a_mark_takes_the_place_of_the_one_before() {
        let other = Mark { name: "web".to_owned(), ..mark() };
        let text = format!("Ours {} do not touch", mark().format());
        assert_eq!(other.put_into(&text), format!("Ours {} do not touch", other.format()));
        assert_eq!(mark().put_into(""), mark().format());
    }

    prop_compose! {
        fn any_mark()(
            workspace in any::<String>(),
            stage in any::<Option<String>>(),
            kind in prop::sample::select(MarkKind::ALL),
            name in any::<String>(),
        ) -> Mark {
            Mark { workspace, stage, kind, name }
        }
    }

    proptest! {
        #[test]
        fn i8_every_mark_comes_back_from_whatever_text_stands_around_it(
            mark in any_mark(), before in any::<String>(), after in "[^\\[]*",
        ) {
            let text = mark.format();
            prop_assert!(!text.contains(['\n', '\r']));
            prop_assert_eq!(Mark::parse(&text), Some(mark.clone()));
            prop_assert_eq!(Mark::parse(&format!("{before}{text}{after}")), Some(mark));
        }

        #[test]
        fn i8_a_mark_that_is_put_into_a_text_is_found_there(mark in any_mark(), old in any_mark(), text in any::<String>()) {
            for description in [text.clone(), old.put_into(&text)] {
                prop_assert_eq!(Mark::parse(&mark.put_into(&description)), Some(mark.clone()));
            }
        }
    }
}
