//! Several failures of one run, as one.

use super::{DeployError, ErrorCode};
use indexmap::IndexMap;

impl DeployError {
    /// Joins the failures of one run: the single one as it is, several under [`ErrorCode::Multiple`].
    ///
    /// The message has a line for each that names its apps; failures that say the same share one. The list must not be
    /// empty; an empty one becomes an [`ErrorCode::Internal`] error.
    pub fn join(mut errors: Vec<Self>) -> Self {
        if errors.len() == 1
            && let Some(only) = errors.pop()
        {
            return only;
        }
        if errors.is_empty() {
            return Self::new(ErrorCode::Internal, "A failed run named no failure");
        }
        let message = format!("{} steps failed:\n{}", errors.len(), lines(&errors).join("\n"));
        let mut joined = Self::new(ErrorCode::Multiple, message);
        joined.0.errors = errors;
        joined
    }
}

/// A line for each text, with the apps that it is true of.
fn lines(errors: &[DeployError]) -> Vec<String> {
    let mut apps_by_text: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for error in errors {
        let app = error.app_name().unwrap_or_default();
        let (text, named) = match error.message().strip_prefix(app).and_then(|rest| rest.strip_prefix(": ")) {
            Some(rest) if !app.is_empty() => (rest, app),
            _ => (error.message(), app),
        };
        let apps = apps_by_text.entry(text).or_default();
        if !named.is_empty() && !apps.contains(&named) {
            apps.push(named);
        }
    }
    let line = |(text, apps): (&str, Vec<&str>)| {
        let text = text.replace('\n', "\n  ");
        if apps.is_empty() { format!("- {text}") } else { format!("- {}: {text}", apps.join(", ")) }
    };
    apps_by_text.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(app: &str, message: &str) -> DeployError {
        let error = DeployError::new(ErrorCode::ImageBuild, message);
        if app.is_empty() { error } else { error.app(app) }
    }

    #[test]
    fn one_failure_stays_itself_and_several_are_listed() {
        let first = error("api", "a");
        assert_eq!(DeployError::join(vec![first.clone()]).code(), ErrorCode::ImageBuild);
        let joined = DeployError::join(vec![first, error("", "b")]);
        assert_eq!(joined.code(), ErrorCode::Multiple);
        assert_eq!(joined.errors().len(), 2);
        assert_eq!(joined.message(), "2 steps failed:\n- api: a\n- b");
    }

    #[test]
    fn each_line_names_its_apps_and_none_is_repeated() {
        let joined = DeployError::join(vec![
            error("api", "the server is gone"),
            error("auth", "auth: `docker build` failed\nbecause"),
            error("web", "the server is gone"),
            error("web", "the server is gone"),
            error("", "no app"),
            error("", "no app"),
        ]);
        assert_eq!(
            joined.message(),
            "6 steps failed:\n- api, web: the server is gone\n- auth: `docker build` failed\n  because\n- no app"
        );
        assert_eq!(joined.errors().len(), 6);
    }
}
