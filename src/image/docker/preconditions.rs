//! What a build needs before it begins, and what to do where it fails for want of it.

use super::dockerfile::arguments;
use crate::DeployError;
use crate::image::build::ImageBuild;
use crate::image::context::{failed, read_dockerfile};

/// Makes sure that the Dockerfiles are there and declare the build arguments that they are given.
///
/// Docker passes by what a Dockerfile does not declare: the value would be missing in the image, and nothing would say so.
pub(super) fn check_dockerfiles(builds: &[ImageBuild]) -> Result<(), DeployError> {
    let faults: Vec<DeployError> = builds.iter().filter_map(|build| check_dockerfile(build).err()).collect();
    if faults.is_empty() { Ok(()) } else { Err(DeployError::join(faults)) }
}

fn check_dockerfile(build: &ImageBuild) -> Result<(), DeployError> {
    let declared = arguments(&String::from_utf8_lossy(&read_dockerfile(build)?));
    let undeclared: Vec<&str> =
        build.build_args.keys().filter(|name| !declared.contains(*name)).map(String::as_str).collect();
    if undeclared.is_empty() {
        return Ok(());
    }
    let declared: Vec<String> = declared.into_iter().collect();
    let declares = if declared.is_empty() { "none".to_owned() } else { declared.join(", ") };
    let message = format!(
        "{}: {} does not declare the build arguments {}; it declares {declares}",
        build.app,
        build.dockerfile.display(),
        undeclared.join(", "),
    );
    let lines: Vec<String> = undeclared.iter().map(|name| format!("`ARG {name}`")).collect();
    Err(failed(build, message).reason("argument-undeclared").hint(format!(
        "Add {} to the stage of the Dockerfile that builds the app, for instance with `gkm docker`",
        lines.join(" and ")
    )))
}

/// What to do about a build that failed, by what it said.
pub(super) fn build_hint(build: &ImageBuild, log: &str) -> String {
    let log = log.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| log.contains(word));
    let platform = &build.platform;
    if says(&["exec format error", "no match for platform", "does not match the detected host platform"]) {
        return format!(
            "This machine builds no images for {platform} by itself: let Docker emulate it (binfmt, QEMU), use base images \
             that exist for it, or set `platform` to that of the server"
        );
    }
    if says(&["no space left on device"]) {
        return "The disk of Docker's machine is full: `docker system df` says of what".to_owned();
    }
    format!("The log says why; {} is what was built", build.dockerfile.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;

    fn build(folder: &std::path::Path, arguments: &[&str]) -> ImageBuild {
        ImageBuild {
            app: "web".to_owned(),
            reference: "registry.test/shop-web:1".to_owned(),
            dockerfile: folder.join("Dockerfile"),
            context: folder.to_owned(),
            build_args: arguments.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect::<BTreeMap<_, _>>(),
            platform: "linux/arm64".to_owned(),
        }
    }

    #[test]
    fn an_argument_that_the_dockerfile_does_not_declare_is_named_with_those_that_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let missing = check_dockerfiles(&[build(folder.path(), &[])]).unwrap_err();
        assert_eq!(missing.reason_name(), Some("dockerfile-missing"));
        fs::write(folder.path().join("Dockerfile"), "FROM x\nARG NEXT_PUBLIC_API_URL\n").unwrap();
        check_dockerfiles(&[build(folder.path(), &["NEXT_PUBLIC_API_URL"])]).unwrap();
        let error = check_dockerfiles(&[build(folder.path(), &["VITE_API_URL"])]).unwrap_err();
        assert_eq!((error.reason_name(), error.app_name()), (Some("argument-undeclared"), Some("web")));
        for part in ["VITE_API_URL", "NEXT_PUBLIC_API_URL", "Dockerfile"] {
            assert!(error.message().contains(part), "{error}");
        }
        assert!(error.hint_text().unwrap().contains("`ARG VITE_API_URL`"));
    }

    #[test]
    fn a_build_for_another_platform_that_fails_says_so() {
        let build = build(std::path::Path::new("/w"), &[]);
        assert!(build_hint(&build, "exec /bin/sh: exec format error").contains("linux/arm64"));
        assert!(build_hint(&build, "npm ERR!").contains("The log says why"));
    }
}
