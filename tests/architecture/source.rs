//! Reads a crate's sources into modules: what each defines, what it imports, and which paths its code mentions.
//!
//! Code that is compiled only for tests does not count.

use crate::attributes::{attributes, only_for_tests};
use crate::imports::leaves;
use crate::mentions::Mentions;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::Visit as _;
use syn::{Item, ItemMod, ItemUse};

/// The modules of one crate; the first is its root.
pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
}

/// One module, be it a file or a block within one.
pub(crate) struct Module {
    /// The file that holds it, relative to the crate's root folder.
    pub(crate) file: PathBuf,
    pub(crate) parent: Option<usize>,
    /// What a name in this module's scope stands for. Types, values and modules may share one.
    pub(crate) names: HashMap<String, Vec<Binding>>,
    /// The paths of `use …::*`.
    pub(crate) globs: Vec<Vec<String>>,
    /// What its code mentions.
    pub(crate) mentions: Mentions,
}

/// What a name stands for.
#[derive(Clone)]
pub(crate) enum Binding {
    /// Defined here.
    Item,
    /// A module that is declared here.
    Module(usize),
    /// Imported or re-exported from this path.
    Import(Vec<String>),
}

impl Crate {
    /// Reads the crate whose root file is `root`; its files are named relative to `base`.
    pub(crate) fn read(base: &Path, root: &Path) -> Self {
        let mut sources = Self { modules: Vec::new() };
        sources.read_file(base, root, None);
        sources
    }

    fn read_file(&mut self, base: &Path, file: &Path, parent: Option<usize>) -> usize {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let folder = match file.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib") => file.with_file_name(""),
            _ => file.with_extension(""),
        };
        self.read_module(base, file, &folder, parent, &syntax.items)
    }

    fn read_module(&mut self, base: &Path, file: &Path, folder: &Path, parent: Option<usize>, items: &[Item]) -> usize {
        let this = self.modules.len();
        let relative = file.strip_prefix(base).expect("sources lie below the crate").to_owned();
        self.modules.push(Module::new(relative, parent));
        for item in items.iter().filter(|item| !only_for_tests(attributes(item))) {
            match item {
                Item::Mod(module) => {
                    let child = self.read_submodule(base, file, folder, this, module);
                    self.modules[this].bind(&module.ident, Binding::Module(child));
                }
                Item::Use(import) => self.modules[this].import(import),
                _ => self.modules[this].define(item),
            }
            if !matches!(item, Item::Mod(_)) {
                self.modules[this].mentions.visit_item(item);
            }
        }
        this
    }

    fn read_submodule(&mut self, base: &Path, file: &Path, folder: &Path, parent: usize, module: &ItemMod) -> usize {
        let name = module.ident.to_string();
        if let Some((_, items)) = &module.content {
            return self.read_module(base, file, &folder.join(name), Some(parent), items);
        }
        let alone = folder.join(format!("{name}.rs"));
        let path = if alone.exists() { alone } else { folder.join(name).join("mod.rs") };
        self.read_file(base, &path, Some(parent))
    }
}

impl Module {
    fn new(file: PathBuf, parent: Option<usize>) -> Self {
        Self { file, parent, names: HashMap::new(), globs: Vec::new(), mentions: Mentions::default() }
    }

    fn bind(&mut self, name: &impl ToString, binding: Binding) {
        self.names.entry(name.to_string()).or_default().push(binding);
    }

    fn define(&mut self, item: &Item) {
        match item {
            Item::Const(item) => self.bind(&item.ident, Binding::Item),
            Item::Enum(item) => self.bind(&item.ident, Binding::Item),
            Item::Fn(item) => self.bind(&item.sig.ident, Binding::Item),
            Item::Macro(item) => match &item.ident {
                Some(ident) => self.bind(ident, Binding::Item),
                // The names that it defines are among its arguments.
                None => self.define_all(item.mac.tokens.clone()),
            },
            Item::Static(item) => self.bind(&item.ident, Binding::Item),
            Item::Struct(item) => self.bind(&item.ident, Binding::Item),
            Item::Trait(item) => self.bind(&item.ident, Binding::Item),
            Item::Type(item) => self.bind(&item.ident, Binding::Item),
            _ => {}
        }
    }

    fn define_all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => self.bind(&ident, Binding::Item),
                TokenTree::Group(group) => self.define_all(group.stream()),
                TokenTree::Literal(_) | TokenTree::Punct(_) => {}
            }
        }
    }

    fn import(&mut self, import: &ItemUse) {
        for leaf in leaves(&import.tree) {
            if leaf.glob {
                self.globs.push(leaf.path);
            } else {
                self.bind(&leaf.name, Binding::Import(leaf.path));
            }
        }
    }
}
