//! Finds the file that defines what a path names, through every re-export, glob and renaming on the way.

use crate::mentions::Mention;
use crate::source::{Binding, Crate};
use std::collections::HashSet;
use std::path::Path;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// An item that this module defines.
    Item(usize),
    Module(usize),
}

/// Where a path leads, and which modules it walks through by their names.
pub(crate) struct Route {
    pub(crate) targets: Vec<Target>,
    pub(crate) through: Vec<usize>,
}

impl Crate {
    /// The file of a module.
    pub(crate) fn file(&self, module: usize) -> &Path {
        &self.modules[module].file
    }

    /// The modules that define what is mentioned in `from`; none where that is another crate's or a local name.
    pub(crate) fn definers(&self, from: usize, mention: &Mention) -> Vec<usize> {
        let targets = self.route(from, &mention.path).targets;
        let defined = |target: &Target| match target {
            Target::Item(module) => vec![*module],
            // All names of a module: only what its own file defines counts, its re-exports are found by their use.
            Target::Module(module) if mention.glob => vec![*module],
            Target::Module(_) => Vec::new(),
        };
        targets.iter().flat_map(defined).collect()
    }

    /// The path as the whole program knows it: with every import on the way to another crate written out.
    pub(crate) fn spelled_out(&self, from: usize, path: &[String]) -> Vec<String> {
        let mut path = path.to_vec();
        // An import that leads out of the crate leads there in a few steps, else it leads to itself.
        for _ in 0..8 {
            let Some((first, rest)) = path.split_first() else { break };
            let imports = self.modules[from].names.get(first).into_iter().flatten();
            let import = imports.into_iter().find_map(|binding| match binding {
                Binding::Import(import) if !matches!(import[0].as_str(), "crate" | "self" | "super") => Some(import),
                _ => None,
            });
            let Some(import) = import else { break };
            let longer = [import, rest].concat();
            let ends = import[0] == *first;
            path = longer;
            if ends {
                break;
            }
        }
        path
    }

    /// The paths that begin within the crate and lead nowhere.
    pub(crate) fn dead_ends(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (index, module) in self.modules.iter().enumerate() {
            for mention in &module.mentions.paths {
                let within = matches!(mention.path.first().map(String::as_str), Some("crate" | "super"));
                if within && self.route(index, &mention.path).targets.is_empty() {
                    found.push(format!("{}:{} {}", module.file.display(), mention.line, mention.path.join("::")));
                }
            }
        }
        found
    }

    /// Where a path leads that stands in module `from`.
    pub(crate) fn route(&self, from: usize, path: &[String]) -> Route {
        let mut through = Vec::new();
        let targets = self.walk(from, path, &mut through, &mut HashSet::new());
        Route { targets, through }
    }

    fn walk(
        &self,
        from: usize,
        path: &[String],
        through: &mut Vec<usize>,
        visited: &mut HashSet<(usize, Vec<String>)>,
    ) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else { return vec![Target::Module(from)] };
        if !visited.insert((from, path.to_vec())) {
            return Vec::new();
        }
        match first.as_str() {
            "crate" => return self.walk(0, rest, through, visited),
            "self" => return self.walk(from, rest, through, visited),
            "super" => {
                let parent = self.modules[from].parent.expect("`super` stands in a module below another");
                return self.walk(parent, rest, through, visited);
            }
            _ => {}
        }
        let bindings = self.modules[from].names.get(first).map(Vec::as_slice).unwrap_or_default();
        let mut found = Vec::new();
        for binding in bindings {
            match binding {
                Binding::Item => found.push(Target::Item(from)),
                Binding::Import(import) => {
                    for target in self.walk(from, import, &mut Vec::new(), visited) {
                        match target {
                            Target::Module(module) => found.extend(self.walk(module, rest, through, visited)),
                            Target::Item(_) => found.push(target),
                        }
                    }
                }
                Binding::Module(_) => {}
            }
        }
        for binding in bindings {
            // A module may share its name with an item: alone at the end of a path, the item is meant.
            if let Binding::Module(module) = binding
                && (found.is_empty() || !rest.is_empty())
            {
                through.push(*module);
                found.extend(self.walk(*module, rest, through, visited));
            }
        }
        if found.is_empty() {
            found = self.walk_globs(from, path, visited);
        }
        found
    }

    fn walk_globs(&self, from: usize, path: &[String], visited: &mut HashSet<(usize, Vec<String>)>) -> Vec<Target> {
        let mut found = Vec::new();
        for glob in &self.modules[from].globs {
            for target in self.walk(from, glob, &mut Vec::new(), visited) {
                // The variants of an enum are no names of a file.
                if let Target::Module(module) = target {
                    found.extend(self.walk(module, path, &mut Vec::new(), visited));
                }
            }
        }
        found
    }
}
