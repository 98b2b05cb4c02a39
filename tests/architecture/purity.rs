//! Pure code does no I/O, and takes clock and randomness as arguments. Only `src/node` knows Node.js.

use crate::LIBRARY;
use crate::graph::Graph;
use crate::rooms::{Ring, ring};
use crate::source::{Crate, Module};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates that pure code may use: they compute. Any other one that the library depends on is refused.
const COMPUTING_CRATES: [&str; 14] = [
    "base64",
    "derive_setters",
    "flate2",
    "globset",
    "indexmap",
    "percent_encoding",
    "postgres_protocol",
    "secrecy",
    "serde",
    "serde_json",
    "serde_path_to_error",
    "sha2",
    "thiserror",
    "url",
];

/// Crates that compute but for some of their names, which pure code must not use.
const COMPUTING_BUT: [(&str, &[&str]); 1] = [("time", &["now_utc", "now_local"])];

/// The parts of the standard library that reach out of the program.
const REACHING_OUT: [&str; 14] = [
    "std::env",
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
];

/// The methods of the standard library's paths, clocks and addresses that do so.
const REACHING_METHODS: [&str; 13] = [
    "canonicalize",
    "elapsed",
    "exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "metadata",
    "read_dir",
    "read_link",
    "symlink_metadata",
    "to_socket_addrs",
    "try_exists",
    "try_metadata",
];

/// Where the operating system's randomness comes in, behind the trait through which everybody else gets it.
const RANDOMNESS: &str = "src/secrets/entropy.rs";

#[test]
fn pure_code_does_no_io() {
    let sources = &*LIBRARY;
    let graph = Graph::of(sources);
    let pure = sources.modules.iter().map(|module| &module.file).filter(|file| ring(file) == Ring::Pure);
    let reached: BTreeSet<PathBuf> = pure.flat_map(|file| graph.reach(file)).collect();
    let faults: Vec<String> = impurities(sources, &dependencies())
        .filter(|(file, _)| reached.contains(file))
        .map(|(_, fault)| fault)
        .collect();
    assert_eq!(faults, Vec::<String>::new());
}

/// What reaches out of the program, and in which file.
pub(crate) fn impurities<'a>(
    sources: &'a Crate,
    dependencies: &'a [String],
) -> impl Iterator<Item = (PathBuf, String)> + 'a {
    sources.modules.iter().enumerate().flat_map(move |(index, module)| {
        let paths = module.mentions.paths.iter().filter_map(move |mention| {
            let path = sources.spelled_out(index, &mention.path);
            reaches_out(&path, dependencies, module).then(|| (path.join("::"), mention.line))
        });
        let calls = module.mentions.calls.iter().filter(|(method, _)| REACHING_METHODS.contains(&method.as_str()));
        let calls = calls.map(|(method, line)| (format!(".{method}()"), *line));
        paths.chain(calls).map(|(what, line)| {
            let place = module.file.display();
            (module.file.clone(), format!("{place}:{line} uses `{what}`"))
        })
    })
}

fn reaches_out(path: &[String], dependencies: &[String], module: &Module) -> bool {
    let [first, .., last] = path else { return false };
    if first == "std" {
        let path = path.join("::");
        return REACHING_OUT.iter().any(|part| path == *part || path.starts_with(&format!("{part}::")));
    }
    if let Some((_, names)) = COMPUTING_BUT.iter().find(|(name, _)| name == first) {
        return names.contains(&last.as_str());
    }
    if first == "rand" && module.file == Path::new(RANDOMNESS) {
        return false;
    }
    dependencies.contains(first) && !COMPUTING_CRATES.contains(&first.as_str())
}

/// The crates that the library depends on, as its code names them.
pub(crate) fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let section = manifest.split_once("\n[dependencies]\n").unwrap().1;
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let named = lines.filter_map(|line| line.split_once(['.', ' ', '=']).map(|(name, _)| name.replace('-', "_")));
    let named: Vec<String> = named.collect();
    assert!(named.len() > 20, "the manifest is read wrongly: {named:?}");
    named
}

#[test]
fn only_node_names_napi() {
    let sources = &*LIBRARY;
    let elsewhere = sources.modules.iter().filter(|module| !module.file.starts_with("src/node"));
    let named = elsewhere.flat_map(|module| module.mentions.paths.iter().map(move |mention| (module, mention)));
    let napi = named.filter(|(_, mention)| mention.path[0].starts_with("napi"));
    let places = napi.map(|(module, mention)| format!("{}:{}", module.file.display(), mention.line));
    assert_eq!(places.collect::<Vec<_>>(), Vec::<String>::new());
}
