//! The rooms of the library, and the direction in which they may use each other.

use crate::graph::{Graph, Use};
use crate::source::Crate;
use crate::{LIBRARY, circles};
use std::path::{Path, PathBuf};

/// How far out a part of the sources lies; it may use what lies no further out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ring {
    /// Decides; no I/O.
    Pure,
    /// Talks to one kind of thing outside, and knows no plan.
    Io,
    /// Does what the plan says.
    Deploy,
    /// Converts for Node.js.
    Node,
}

/// The most exact entry counts.
const RINGS: [(&str, Ring); 26] = [
    ("src/lib.rs", Ring::Node),
    ("src/error", Ring::Pure),
    ("src/event.rs", Ring::Pure),
    ("src/system", Ring::Io),
    ("src/trace.rs", Ring::Io),
    ("src/workspace", Ring::Pure),
    ("src/env", Ring::Pure),
    ("src/plan", Ring::Pure),
    ("src/secrets", Ring::Pure),
    ("src/sniff", Ring::Io),
    ("src/state", Ring::Io),
    ("src/state/format", Ring::Pure),
    ("src/http", Ring::Io),
    ("src/dokploy", Ring::Io),
    ("src/lease", Ring::Io),
    ("src/lease/protocol.rs", Ring::Pure),
    ("src/lease/holder.rs", Ring::Pure),
    ("src/lease/terms.rs", Ring::Pure),
    ("src/postgres", Ring::Io),
    ("src/dns", Ring::Io),
    ("src/aws", Ring::Io),
    ("src/backup", Ring::Io),
    ("src/image", Ring::Io),
    ("src/image/build.rs", Ring::Pure),
    ("src/deploy", Ring::Deploy),
    ("src/node", Ring::Node),
];

/// The ring of a file.
pub(crate) fn ring(file: &Path) -> Ring {
    let entries = RINGS.iter().filter(|(part, _)| file.starts_with(part));
    let most_exact = entries.max_by_key(|(part, _)| part.len());
    most_exact.unwrap_or_else(|| panic!("{} is in no ring: add its room to `RINGS`", file.display())).1
}

/// The room of a file: `src/plan`, or the file itself where it stands beside the rooms.
fn room(file: &Path) -> PathBuf {
    file.components().take(2).collect()
}

fn describe((from, to, place): (&PathBuf, &PathBuf, &Use)) -> String {
    format!("{}:{} uses `{}` of {}", from.display(), place.line, place.path, to.display())
}

#[test]
fn uses_lead_from_node_through_deploy_and_io_to_pure() {
    let graph = Graph::of(&LIBRARY);
    let outward = graph.uses().filter(|(from, to, _)| ring(to) > ring(from)).map(describe);
    assert_eq!(outward.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn io_knows_no_plan() {
    let graph = Graph::of(&LIBRARY);
    let knowing = graph.uses().filter(|(from, to, _)| ring(from) == Ring::Io && to.starts_with("src/plan"));
    assert_eq!(knowing.map(describe).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn no_rooms_use_each_other_in_a_circle() {
    let circles = circles(&Graph::of(&LIBRARY).grouped(room));
    assert!(circles.is_empty(), "{} circles\n{}", circles.len(), circles.join("\n"));
}

#[test]
fn rooms_are_entered_by_their_doors() {
    assert_eq!(trespasses(&LIBRARY), Vec::<String>::new());
}

/// The paths that name a file within a folder from outside of it, where they should name what its door re-exports.
pub(crate) fn trespasses(sources: &Crate) -> Vec<String> {
    let mut found = Vec::new();
    for (index, module) in sources.modules.iter().enumerate() {
        for mention in &module.mentions.paths {
            for entered in sources.route(index, &mention.path).through {
                let file = sources.file(entered);
                if !module.file.starts_with(room_of(file)) {
                    let (path, private) = (mention.path.join("::"), file.display());
                    found.push(format!("{}:{} names {private} in `{path}`", module.file.display(), mention.line));
                }
            }
        }
    }
    found
}

/// The folder within which a file may be named: its own, or for a door the one around; the rooms' doors are everybody's.
fn room_of(file: &Path) -> &Path {
    let folder = file.parent().unwrap();
    let room = if file.ends_with("mod.rs") { folder.parent().unwrap() } else { folder };
    if room == Path::new("src") { Path::new("") } else { room }
}
