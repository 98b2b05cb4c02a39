//! Which file uses which, and the circles among them.

use crate::source::Crate;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// For each file the files that it uses, and where it first does.
pub(crate) struct Graph {
    edges: BTreeMap<PathBuf, BTreeMap<PathBuf, Use>>,
}

/// Where one file uses another.
#[derive(Clone)]
pub(crate) struct Use {
    /// The file, which is one of several where files are grouped.
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) path: String,
}

impl Graph {
    /// The uses among the files of a crate.
    pub(crate) fn of(sources: &Crate) -> Self {
        let mut edges: BTreeMap<PathBuf, BTreeMap<PathBuf, Use>> = BTreeMap::new();
        for (index, module) in sources.modules.iter().enumerate() {
            let uses = edges.entry(module.file.clone()).or_default();
            for mention in &module.mentions.paths {
                for definer in sources.definers(index, mention) {
                    let file = sources.file(definer);
                    if file != module.file {
                        uses.entry(file.to_owned()).or_insert_with(|| Use {
                            file: module.file.clone(),
                            line: mention.line,
                            path: mention.path.join("::"),
                        });
                    }
                }
            }
        }
        Self { edges }
    }

    /// The uses among groups of files.
    pub(crate) fn grouped(&self, group: impl Fn(&Path) -> PathBuf) -> Self {
        let mut edges: BTreeMap<PathBuf, BTreeMap<PathBuf, Use>> = BTreeMap::new();
        for (from, to, place) in self.uses() {
            let (inside, outside) = (group(from), group(to));
            edges.entry(outside.clone()).or_default();
            let uses = edges.entry(inside.clone()).or_default();
            if inside != outside {
                uses.entry(outside).or_insert_with(|| place.clone());
            }
        }
        Self { edges }
    }

    /// All uses: the file, the file that it uses, and where.
    pub(crate) fn uses(&self) -> impl Iterator<Item = (&PathBuf, &PathBuf, &Use)> {
        self.edges.iter().flat_map(|(from, uses)| uses.iter().map(move |(to, place)| (from, to, place)))
    }

    /// The files that this one uses.
    pub(crate) fn used_by(&self, file: &Path) -> impl Iterator<Item = &PathBuf> + use<'_> {
        self.edges.get(file).into_iter().flat_map(BTreeMap::keys)
    }

    /// A file and everything that it uses, however indirectly.
    pub(crate) fn reach(&self, file: &Path) -> BTreeSet<PathBuf> {
        let mut reached = BTreeSet::from([file.to_owned()]);
        let mut open = vec![file.to_owned()];
        while let Some(next) = open.pop() {
            for used in self.used_by(&next) {
                if reached.insert(used.clone()) {
                    open.push(used.clone());
                }
            }
        }
        reached
    }

    /// The sets of files that use each other in a circle.
    pub(crate) fn circles(&self) -> Vec<BTreeSet<PathBuf>> {
        let reach: BTreeMap<&Path, BTreeSet<PathBuf>> =
            self.edges.keys().map(|file| (file.as_path(), self.reach(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, reached) in &reach {
            let circle: BTreeSet<PathBuf> =
                reached.iter().filter(|other| reach[other.as_path()].contains(*file)).cloned().collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    /// The shortest way around within a circle, one use a line.
    pub(crate) fn describe(&self, circle: &BTreeSet<PathBuf>) -> String {
        let around = circle.iter().filter_map(|file| self.around(file, circle)).min_by_key(Vec::len);
        let around = around.expect("each file of a circle leads back to itself");
        let mut text = format!("{} files use each other:\n", circle.len());
        for (at, file) in around.iter().enumerate() {
            let next = &around[(at + 1) % around.len()];
            let place = &self.edges[file][next];
            let _ =
                writeln!(text, "  {}:{} uses `{}` of {}", place.file.display(), place.line, place.path, next.display());
        }
        let others: Vec<String> =
            circle.iter().filter(|file| !around.contains(file)).map(|file| file.display().to_string()).collect();
        if !others.is_empty() {
            let _ = writeln!(text, "  also in it: {}", others.join(", "));
        }
        text
    }

    fn around(&self, start: &PathBuf, within: &BTreeSet<PathBuf>) -> Option<Vec<PathBuf>> {
        let mut open = VecDeque::from([vec![start.clone()]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = open.pop_front() {
            for next in self.used_by(way.last()?).filter(|file| within.contains(*file)) {
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    let mut longer = way.clone();
                    longer.push(next.clone());
                    open.push_back(longer);
                }
            }
        }
        None
    }
}
