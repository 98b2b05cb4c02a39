//! The names that a `use` brings in.

use syn::UseTree;

/// One name of a `use`.
pub(crate) struct Leaf {
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
    pub(crate) glob: bool,
    pub(crate) line: usize,
}

/// Every name of a `use`, with its whole path.
pub(crate) fn leaves(tree: &UseTree) -> Vec<Leaf> {
    match tree {
        UseTree::Path(branch) => {
            let mut found = leaves(&branch.tree);
            for leaf in &mut found {
                leaf.path.insert(0, branch.ident.to_string());
                if leaf.path.len() == 2 && leaf.path[1] == "self" {
                    // `use a::b::{self}` imports `b` itself.
                    leaf.path.pop();
                    if leaf.name == "self" {
                        leaf.name = branch.ident.to_string();
                    }
                }
            }
            found
        }
        UseTree::Name(name) => vec![Leaf {
            path: vec![name.ident.to_string()],
            name: name.ident.to_string(),
            glob: false,
            line: name.ident.span().start().line,
        }],
        UseTree::Rename(renamed) => vec![Leaf {
            path: vec![renamed.ident.to_string()],
            name: renamed.rename.to_string(),
            glob: false,
            line: renamed.ident.span().start().line,
        }],
        UseTree::Glob(glob) => {
            vec![Leaf { path: Vec::new(), name: "*".to_owned(), glob: true, line: glob.star_token.span.start().line }]
        }
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}
