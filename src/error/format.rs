//! A failure as text for a terminal.

use super::{DeployError, ErrorCode};
use derive_setters::Setters;
use std::fmt::Write as _;

/// How many lines of a log are shown by default.
const LOG_LINES: usize = 20;

/// Whose commands a text about missing variables names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CommandStyle {
    /// Those of the design, which keep a value per app: `gkm secrets set auth NAME=value`.
    #[default]
    Seed,
    /// Those that the `gkm` command line has, which keep a value per stage: `gkm secrets:set NAME <value> --stage production`.
    Cli,
}

/// How a failure is shown.
#[derive(Debug, Clone, PartialEq, Eq, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct FormatOptions {
    /// Whose commands are named; default [`CommandStyle::Seed`].
    pub style: CommandStyle,
    /// The stage for the commands; default the one that the error names, else `<stage>`.
    #[setters(into)]
    pub stage: Option<String>,
    /// Whether it is coloured with ANSI sequences; default no.
    pub color: bool,
    /// How many lines of each log are shown, from its end; default 20.
    pub log_lines: usize,
}

impl Default for FormatOptions {
    fn default() -> Self {
        Self { style: CommandStyle::default(), stage: None, color: false, log_lines: LOG_LINES }
    }
}

impl DeployError {
    /// Renders the failure for a terminal: app, message, endpoint, step, causes, hint and the end of the log; of several,
    /// each. Control characters, which a log may hold, are taken out.
    pub fn format(&self, options: &FormatOptions) -> String {
        let mut text = String::new();
        self.write_to(&mut text, options, self.stage_name());
        text
    }

    fn write_to(&self, text: &mut String, options: &FormatOptions, stage: Option<&str>) {
        if self.errors().is_empty() {
            self.write_one(text, options, stage);
            return;
        }
        let headline = self.message().lines().next().unwrap_or_default();
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(text, "{}", paint(options, "1;31", headline));
        for error in self.errors() {
            text.push('\n');
            error.write_to(text, options, error.stage_name().or(stage));
        }
    }

    fn write_one(&self, text: &mut String, options: &FormatOptions, stage: Option<&str>) {
        if !self.missing_variables().is_empty() {
            let _ = writeln!(text, "{}", self.missing_text(options, stage));
            return;
        }
        let app = self.app_name().filter(|app| !self.message().starts_with(&format!("{app}: ")));
        let app = app.map_or_else(String::new, |app| format!("{}: ", paint(options, "1", app)));
        let mut lines = self.message().lines().map(clean);
        let sign = paint(options, "31", "✗");
        let _ = writeln!(text, "{sign} {app}{}", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
        let code = match self.reason_name() {
            Some(reason) => format!("{} ({reason})", self.code()),
            None => self.code().to_string(),
        };
        let unsaid = |value: &&str| !self.message().contains(value);
        let rows = [
            ("endpoint", self.endpoint_url().filter(unsaid)),
            ("step", self.step_id()),
            ("hint", self.hint_text()),
            ("code", Some(code.as_str())),
        ];
        for cause in self.causes().iter().filter(|cause| unsaid(&cause.as_str())) {
            write_row(text, options, "cause", cause);
        }
        for (name, value) in rows {
            if let Some(value) = value {
                write_row(text, options, name, value);
            }
        }
        self.write_log(text, options);
    }

    fn write_log(&self, text: &mut String, options: &FormatOptions) {
        let Some(log) = self.log_tail().filter(|log| !log.trim().is_empty()) else { return };
        let lines: Vec<String> = log.trim_end().lines().map(clean).collect();
        let hidden = lines.len().saturating_sub(options.log_lines);
        let _ = writeln!(text, "  {}", paint(options, "2", "log"));
        if hidden > 0 {
            let _ = writeln!(text, "  {}", paint(options, "2", &format!("│ … {hidden} more above")));
        }
        for line in &lines[hidden..] {
            let _ = writeln!(text, "  {} {line}", paint(options, "2", "│"));
        }
    }

    /// What is said about missing variables: in the design's words, with the commands of the chosen style.
    fn missing_text(&self, options: &FormatOptions, stage: Option<&str>) -> String {
        if options.style == CommandStyle::Seed && self.code() == ErrorCode::MissingEnv {
            return self.message().to_owned();
        }
        let stage = options.stage.as_deref().or(stage).unwrap_or("<stage>");
        let missing = self.missing_variables();
        let told = missing
            .iter()
            .map(|(app, names)| format!("Deployment failed: {app} is missing env vars: {}", names.join(", ")));
        // The command line keeps one value for all apps of a stage: a name that two apps miss is set once.
        let mut names: Vec<&String> = Vec::new();
        for name in missing.values().flatten() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let commands = names.iter().map(|name| format!("  gkm secrets:set {name} <value> --stage {stage}"));
        let (told, commands): (Vec<_>, Vec<_>) = (told.collect(), commands.collect());
        format!("{}\n\nAdd them with:\n{}", told.join("\n"), commands.join("\n"))
    }
}

/// Writes a named value below the headline; further lines of it stand under its first.
fn write_row(text: &mut String, options: &FormatOptions, name: &str, value: &str) {
    let mut lines = value.lines().map(clean);
    let first = lines.next().unwrap_or_default();
    let _ = writeln!(text, "  {} {first}", paint(options, "2", &format!("{name:<9}")));
    for line in lines {
        let _ = writeln!(text, "            {line}");
    }
}

fn paint(options: &FormatOptions, code: &str, text: &str) -> String {
    if options.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A line without what would move the cursor or change the terminal.
fn clean(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\x1b' && letters.next_if_eq(&'[').is_some() {
            // A control sequence ends with its first letter from `@` to `~`.
            letters.by_ref().find(|letter| ('@'..='~').contains(letter));
        } else if letter == '\t' || !letter.is_control() {
            clean.push(letter);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexmap::IndexMap;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn missing() -> DeployError {
        let missing = IndexMap::from([("auth".to_owned(), names(&["A", "B"])), ("api".to_owned(), names(&["B"]))]);
        DeployError::new(ErrorCode::MissingEnv, "in the words of the design").missing(missing).stage("staging")
    }

    #[test]
    fn missing_variables_are_told_in_either_style() {
        let cli = FormatOptions { style: CommandStyle::Cli, ..FormatOptions::default() };
        assert_eq!(missing().format(&FormatOptions::default()), "in the words of the design\n");
        assert_eq!(
            missing().format(&cli),
            "Deployment failed: auth is missing env vars: A, B\nDeployment failed: api is missing env vars: B\n\n\
             Add them with:\n  gkm secrets:set A <value> --stage staging\n  gkm secrets:set B <value> --stage staging\n"
        );
        let other = FormatOptions { stage: Some("prod".to_owned()), ..cli };
        assert!(missing().format(&other).contains("B <value> --stage prod"));
    }

    #[test]
    fn a_failure_shows_all_that_is_known_of_it() {
        let error = DeployError::new(ErrorCode::DeploymentFailed, "The app ended 3 times\nand again")
            .app("auth")
            .endpoint("https://dokploy.example.com")
            .step("app:auth:deploy")
            .reason("crash-loop")
            .hint("See the log")
            .log("one\ntwo\n\x1b[31mthree\x1b[0m\x07\n");
        let options = FormatOptions { log_lines: 2, ..FormatOptions::default() };
        assert_eq!(
            error.format(&options),
            "✗ auth: The app ended 3 times\n  and again\n  endpoint  https://dokploy.example.com\n  \
             step      app:auth:deploy\n  hint      See the log\n  code      DEPLOYMENT_FAILED (crash-loop)\n  log\n  \
             │ … 1 more above\n  │ two\n  │ three\n"
        );
    }

    #[test]
    fn of_several_failures_each_is_shown() {
        let one = DeployError::new(ErrorCode::ImageBuild, "auth: the build failed").app("auth").hint("look");
        let two = DeployError::new(ErrorCode::ImagePush, "no").app("api").log("denied");
        let text = DeployError::join(vec![one, two, missing()]).format(&FormatOptions::default());
        assert!(text.starts_with("3 steps failed:\n\n✗ auth: the build failed\n"), "{text}");
        for part in ["hint      look", "✗ api: no", "│ denied", "in the words of the design"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn colours_are_only_there_when_asked_for() {
        let error = DeployError::new(ErrorCode::ImagePush, "no").app("api");
        assert!(!error.format(&FormatOptions::default()).contains('\x1b'));
        let coloured = error.format(&FormatOptions { color: true, ..FormatOptions::default() });
        assert!(coloured.starts_with("\x1b[31m✗\x1b[0m \x1b[1mapi\x1b[0m: no\n"), "{coloured:?}");
    }
}
