//! Images with real programs: Docker and a registry where the machine has them, and stand-ins for `docker` that misbehave
//! in ways in which the real one cannot be made to.
#![allow(clippy::unwrap_used, reason = "the functions beside the tests are tests as well")]

mod context;
mod docker;
mod machine;
mod program;
mod registry;
mod token;

use deploy_native::image::ImageBuild;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A secret that must be found nowhere.
const CANARY: &str = "canary-5d41402abc";

/// Writes the files of a context; folders are made as needed.
fn files(root: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// The build of the app `api` from `.gkm/docker/Dockerfile.api` in `root`.
fn build(root: &Path, reference: &str) -> ImageBuild {
    ImageBuild::new("api", reference, root.join(".gkm/docker/Dockerfile.api"), root)
        .build_args(BTreeMap::from([("PUBLIC_URL".to_owned(), "https://x.example.com/?a=b c".to_owned())]))
}

/// Writes a program. Another process writes it: a program cannot be started while a child of another test, just forked,
/// still has it open for writing.
fn script(path: PathBuf, text: &str) -> PathBuf {
    let source = path.with_extension("source");
    fs::write(&source, format!("#!/bin/bash\n{text}\n")).unwrap();
    let status = Command::new("install").args(["-m", "755"]).args([&source, &path]).status().unwrap();
    assert!(status.success());
    path
}

/// A stand-in for `docker` in `folder`: works as a client without BuildKit, and runs `on_build` and `on_push`.
fn stand_in(folder: &Path, on_build: &str, on_push: &str) -> PathBuf {
    let text = format!(
        "cd '{}'\ncase \"$1\" in\nversion) echo '28.0.0 1.41' ;;\nbuild) {on_build} ;;\npush) {on_push} ;;\n*) exit 1 ;;\nesac",
        folder.display()
    );
    script(folder.join("docker"), &text)
}
