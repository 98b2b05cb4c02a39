//! What the container of a service runs: the image's own program, or a command that ends.

use crate::image::Image;
use crate::swarm::model::Spec;

/// What a container runs.
pub(in crate::swarm) enum Command {
    /// The image's own program, which stays.
    Own,
    /// A command, by its arguments.
    Given(Vec<String>),
    /// Nothing: the container runtime says why.
    Unstartable(String),
}

/// The longest argument that Linux passes to a program, with its final zero byte.
const LONGEST_ARGUMENT: usize = 128 * 1024;

/// Decides what a container of this service runs.
///
/// A command that is neither declared nor interpreted is taken for another way to start the image's own program, unless
/// the service is one that runs once.
pub(in crate::swarm) fn of(spec: &Spec, image: &Image) -> Command {
    if let Some(error) = unstartable(spec, image) {
        return Command::Unstartable(error);
    }
    let arguments: Vec<String> = spec.command.iter().chain(&spec.args).cloned().collect();
    let runs_psql = image.has_psql() && arguments.iter().any(|argument| argument.contains("psql"));
    let runs_once = !spec.command.is_empty() && spec.runs_once();
    if runs_psql || runs_once || image.program_of(&arguments).is_some() {
        return Command::Given(arguments);
    }
    Command::Own
}

/// What the container runtime says of a command that it cannot start.
fn unstartable(spec: &Spec, image: &Image) -> Option<String> {
    let failed = "starting container failed: failed to create task for container: failed to create shim task: OCI runtime \
                  create failed: runc create failed: unable to start container process: error during container init: ";
    let program = spec.command.first()?;
    if !image.has(program) {
        return Some(format!("{failed}exec: \"{program}\": executable file not found in $PATH: unknown"));
    }
    let too_long = spec.args.iter().any(|argument| argument.len() >= LONGEST_ARGUMENT);
    too_long.then(|| format!("{failed}exec /usr/bin/{program}: argument list too long: unknown"))
}

impl Spec {
    /// Whether Swarm does not start its container again once it has ended.
    pub(in crate::swarm) fn runs_once(&self) -> bool {
        self.restart.condition.as_deref() == Some("none")
    }
}
