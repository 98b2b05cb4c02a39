//! What can be read from source text itself.

use super::path_values::Anchor;

/// What a source text asks for and loads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// What it asks of envkit.
    pub(super) requests: Vec<Request>,
    /// What it loads.
    pub(super) imports: Vec<Import>,
    /// Which files it names by their path, so that they are run.
    pub(super) references: Vec<Reference>,
    /// The lines on which it runs a file of which only running it would tell the name.
    pub(super) unfollowed: Vec<u32>,
    /// What it reads from `process.env`: the name and the line.
    pub(super) direct_reads: Vec<(String, u32)>,
    /// The names of its own that it gives to variables, and the variables: `apiUrl: process.env.API_URL`.
    pub(super) aliases: Vec<(String, String)>,
    /// Whether it asks for a name, or loads a module, that only running it would tell.
    pub(super) opaque: bool,
    /// Whether it runs again in processes or threads of its own, which take other branches.
    pub(super) splits: bool,
}

/// A request for a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The variable.
    pub(super) name: String,
    /// The line, from 1.
    pub(super) line: u32,
    /// Whether its schema says that it may be absent.
    pub(super) optional: bool,
    /// Whether it stands inside a function, so that loading the module does not run it.
    pub(super) in_function: bool,
    /// The service in whose `register` it stands.
    pub(super) service: Option<String>,
}

/// A module that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// What is loaded.
    pub(super) specifier: String,
    /// Whether by `import()` or `require()`, so only when that runs.
    pub(super) dynamic: bool,
    /// Whether it stands inside a function.
    pub(super) in_function: bool,
}

/// A file that is named by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// How it is named.
    pub(super) name: ReferenceName,
    /// The line, from 1.
    pub(super) line: u32,
    /// Whether it is certain to be run, rather than handed to somebody who may.
    pub(super) is_run: bool,
}

/// How a file is named that is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReferenceName {
    /// By a path.
    Path(Anchor, String),
    /// By a name that only a package has.
    Package(String),
}
