//! The process in which an app is loaded: what it gets, that it ends, and that nothing of it is left.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod sniff_support;

use deploy_native::ErrorCode;
use deploy_native::sniff::{SniffOptions, SniffedEntry, sniff_all_apps, sniff_entry_file};
use serde_json::{Value, json};
use sniff_support::{app, asking, corpus, nodes, workspace, write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn options() -> SniffOptions {
    SniffOptions::default().cache(false)
}

async fn sniff(folder: &Path, options: &SniffOptions) -> SniffedEntry {
    sniff_entry_file(Path::new("src/index.ts"), Path::new("."), folder, options).await.unwrap()
}

/// What the app wrote to `seen.json`.
fn seen(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("seen.json")).unwrap()).unwrap()
}

/// Waits until the app has written the ids of its processes.
async fn pids(folder: &Path) -> Vec<u64> {
    for _ in 0..1_000 {
        if let Ok(text) = std::fs::read(folder.join("seen.json"))
            && let Ok(pids) = serde_json::from_slice(&text)
        {
            return pids;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the app did not start");
}

/// Waits until none of the processes runs any more; one that nobody has reaped yet does not run.
async fn assert_gone(pids: &[u64]) {
    let runs = |pid: &u64| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).is_some_and(|state| state != 'Z')
    };
    for _ in 0..250 {
        if !pids.iter().any(runs) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still running: {:?}", pids.iter().filter(|pid| runs(pid)).collect::<Vec<_>>());
}

/// An app that starts processes which want to outlive it, one of them without a trace of who began it; it tells their ids.
fn starting_processes(then: &str) -> String {
    format!(
        "{}import {{ execFileSync, spawn }} from 'node:child_process';\nimport {{ writeFileSync }} from 'node:fs';\n\
         const quiet = spawn('sleep', ['600'], {{ detached: true, stdio: 'ignore', env: {{ PATH: process.env.PATH }} }});\n\
         quiet.unref();\nconst loud = spawn('sleep', ['600'], {{ stdio: 'inherit' }});\n\
         const start = 'env -i setsid sleep 600 >/dev/null 2>&1 & echo $!';\n\
         const lost = Number(execFileSync('sh', ['-c', start], {{ encoding: 'utf8', env: {{}} }}));\n\
         writeFileSync('seen.json', JSON.stringify([process.pid, quiet.pid, loud.pid, lost]));\n{then}\n",
        asking(&["PORT"])
    )
}

#[tokio::test]
async fn i6_the_app_sees_none_of_our_environment_and_none_of_our_files() {
    let source = "import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';\n\
        const links = readdirSync('/proc/self/fd').flatMap((fd) => { try { return [readlinkSync(`/proc/self/fd/${fd}`)]; } catch { return []; } });\n\
        writeFileSync('seen.json', JSON.stringify({ env: Object.keys(process.env).sort(), links, argv: process.argv.length }));\n";
    let folder = workspace(&[("src/index.ts", source)]);
    let open = tempfile::NamedTempFile::new().unwrap();
    // An inheritable descriptor, as a host program may hold it.
    rustix::io::fcntl_setfd(open.as_file(), rustix::io::FdFlags::empty()).unwrap();
    let sniffed = sniff(folder.path(), &options()).await;
    assert_eq!(sniffed.error, None);
    let seen = seen(folder.path());
    assert_eq!(seen["env"], json!(["GKM_SNIFF", "HOME", "LANG", "NODE_ENV", "PATH", "TMPDIR"]));
    assert_eq!(seen["argv"], 2);
    let links = seen["links"].as_array().unwrap();
    let ours = open.path().to_string_lossy();
    assert!(!links.is_empty() && !links.iter().any(|link| link.as_str() == Some(&*ours)), "{links:?}");
}

#[tokio::test]
async fn processes_that_the_app_started_end_with_it() {
    for (ending, failure) in [("", None), ("process.exit(0);", Some("exited"))] {
        let folder = workspace(&[("src/index.ts", &starting_processes(ending))]);
        let sniffed = sniff(folder.path(), &options()).await;
        let kind = sniffed.error.map(|error| error.kind);
        assert_eq!((kind.as_deref(), sniffed.env_vars), (failure, vec!["PORT".to_owned()]));
        assert_gone(&pids(folder.path()).await).await;
    }
}

#[tokio::test]
async fn an_endless_loop_ends_before_the_deadline_with_what_was_captured() {
    for endless in ["while (true) {}", "while (true) await new Promise((soon) => setImmediate(soon));"] {
        let folder = workspace(&[("src/index.ts", &starting_processes(endless))]);
        let options = options().deadline(Duration::from_mins(2));
        let start = Instant::now();
        let sniffed = sniff(folder.path(), &options).await;
        // Under 5 s on an idle machine; a busy one gives it less of the processor.
        assert!(start.elapsed() < Duration::from_mins(1), "took {:?}", start.elapsed());
        let failure = sniffed.error.unwrap();
        let told = (failure.kind.as_str(), failure.partial, failure.fatal);
        assert_eq!(told, ("deadline", true, false), "{:?}", sniffed.evidence);
        assert!(failure.message.contains("busy"), "{}", failure.message);
        assert_eq!(failure.file.as_deref(), Some("src/index.ts"));
        assert_eq!(sniffed.env_vars, ["PORT"]);
        assert_gone(&pids(folder.path()).await).await;
    }
}

#[tokio::test]
async fn work_that_goes_on_is_waited_for() {
    let busy = "for (const end = Date.now() + 1_300; Date.now() < end; );\n";
    let parts = ["a", "b", "c", "d"].map(|name| (format!("src/{name}.ts"), format!("{busy}export {{}};\n")));
    let index = format!(
        "for (const part of ['a', 'b', 'c', 'd']) await import(`./${{part}}.ts`);\n\
         await new Promise((later) => setTimeout(later, 4_500));\n{}",
        asking(&["PORT"])
    );
    let mut files: Vec<(&str, &str)> = parts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("src/index.ts", &index));
    let folder = workspace(&files);
    let sniffed = sniff(folder.path(), &options()).await;
    assert_eq!((sniffed.error, sniffed.env_vars), (None, vec!["PORT".to_owned()]));
}

#[tokio::test]
async fn a_failure_says_which_file_what_to_do_and_what_required_env_would_be() {
    let config = asking(&["PORT", "API_KEY"]);
    for (index, kind, file, advice) in [
        ("import './config';\nimport './gone';\n", "unresolved-import", "src/index.ts", "Install or build what"),
        ("import './config';\nimport './broken';\n", "syntax", "src/broken.ts", "Correct"),
        ("import './config';\nimport './throws';\n", "threw", "src/throws.ts", "Let src/throws.ts load"),
        ("import './config';\nimport './exits';\n", "exited", "src/exits.ts", "without ending the process"),
    ] {
        let folder = workspace(&[
            ("src/index.ts", index),
            ("src/config.ts", &config),
            ("src/broken.ts", "export const = 1;\n"),
            ("src/throws.ts", "const open = () => { throw new Error('no server'); };\nopen();\n"),
            ("src/exits.ts", "process.exit(3);\n"),
        ]);
        let failure = sniff(folder.path(), &options()).await.error.unwrap();
        assert_eq!((failure.kind.as_str(), failure.file.as_deref()), (kind, Some(file)), "{failure:?}");
        let hint = failure.hint.unwrap();
        assert!(hint.contains(advice) && hint.contains("requiredEnv: ['API_KEY', 'PORT']"), "{hint}");
    }
}

#[tokio::test]
async fn an_absolute_folder_of_an_app_is_taken_as_it_is() {
    let folder = workspace(&[("apps/api/src/index.ts", &asking(&["PORT"]))]);
    let path = folder.path().join("apps/api");
    let sniffed = sniff_entry_file(Path::new("src/index.ts"), &path, folder.path(), &options()).await.unwrap();
    assert_eq!((sniffed.error, sniffed.env_vars), (None, vec!["PORT".to_owned()]));
}

#[tokio::test]
async fn i10_a_cancelled_sniff_ends_at_once_and_leaves_nothing_running() {
    let folder = workspace(&[("src/index.ts", &starting_processes("while (true) {}"))]);
    let options = options();
    let (result, pids) =
        tokio::join!(sniff_entry_file(Path::new("src/index.ts"), Path::new("."), folder.path(), &options), async {
            let pids = pids(folder.path()).await;
            options.cancel.cancel();
            pids
        });
    assert_eq!(result.unwrap_err().code(), ErrorCode::Cancelled);
    assert_gone(&pids).await;
}

#[tokio::test]
async fn i10_a_dropped_sniff_leaves_nothing_running() {
    let folder = workspace(&[("src/index.ts", &starting_processes("while (true) {}"))]);
    let options = options();
    let found = tokio::select! {
        result = sniff_entry_file(Path::new("src/index.ts"), Path::new("."), folder.path(), &options) => {
            panic!("it ended: {result:?}")
        }
        found = pids(folder.path()) => found,
    };
    assert_gone(&found).await;
}

#[tokio::test]
async fn a_node_that_is_not_there_is_told() {
    let folder = workspace(&[("src/index.ts", &asking(&["PORT"]))]);
    let options = options().node("/nowhere/node");
    let failure = sniff(folder.path(), &options).await.error.unwrap();
    assert_eq!((failure.kind.as_str(), failure.fatal), ("no-node", true));
    assert!(failure.message.contains("/nowhere/node"));
}

#[tokio::test]
async fn typescript_needs_nothing_of_the_app() {
    // The worker's folder stands in the package that brings the transformer; the app's tree has envkit alone.
    let package = tempfile::tempdir().unwrap();
    let packages = corpus().join("node_modules");
    std::os::unix::fs::symlink(&packages, package.path().join("node_modules")).unwrap();
    let worker = package.path().join("sniffer");
    std::fs::create_dir(&worker).unwrap();
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sniffer")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), worker.join(file.file_name())).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("package.json", r#"{ "type": "module" }"#),
            ("src/index.ts", &format!("enum Kind {{ A }}\n{}", asking(&["PORT"]))),
        ],
    );
    std::fs::create_dir_all(folder.path().join("node_modules/@geekmidas")).unwrap();
    let envkit = folder.path().join("node_modules/@geekmidas/envkit");
    std::os::unix::fs::symlink(packages.join("@geekmidas/envkit"), envkit).unwrap();
    let given = options().sniffer(worker);
    let sniffed = sniff(folder.path(), &given).await;
    assert_eq!((sniffed.error, sniffed.env_vars), (None, vec!["PORT".to_owned()]));
    assert_eq!(sniffed.evidence[0].line, Some(3));
}

#[tokio::test]
async fn all_apps_are_sniffed_in_their_order_and_told_as_they_are_done() {
    let folder = workspace(&[
        ("apps/slow/index.ts", &format!("await new Promise((r) => setTimeout(r, 1500));\n{}", asking(&["SLOW"]))),
        ("apps/fast/index.ts", &asking(&["FAST"])),
        ("apps/broken/index.ts", "throw new Error('broken');"),
    ]);
    let apps = ["slow", "fast", "broken"]
        .map(|name| (name.to_owned(), app(&json!({ "path": format!("apps/{name}"), "entry": "index.ts" }))));
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let options = options()
        .concurrency(2)
        .on_sniffed(Arc::new(move |sniffed| listener.lock().unwrap().push(sniffed.app_name.clone())));
    let sniffed = sniff_all_apps(&apps.into_iter().collect(), folder.path(), &options).await.unwrap();
    let found: Vec<_> = sniffed.iter().map(|(name, app)| (name.as_str(), app.required_env_vars.clone())).collect();
    let expected = [("slow", vec!["SLOW".to_owned()]), ("fast", vec!["FAST".to_owned()]), ("broken", vec![])];
    assert_eq!(found, expected);
    assert_eq!(sniffed["broken"].error.as_ref().unwrap().kind, "threw");
    assert_eq!(told.lock().unwrap().len(), 3);
}

/// Node 20 without a way into its loader, and every Node with the hooks that it has for everybody, find the same.
#[test]
fn the_hooks_that_every_node_has_serve_as_well() {
    let folder = workspace(&[
        ("src/index.ts", "import './config.js';\nimport('./later').catch(() => {});\n"),
        ("src/config.ts", &asking(&["PORT"])),
        ("src/later.ts", &asking(&["LATER"])),
    ]);
    let root = folder.path().canonicalize().unwrap();
    let records = root.join("records");
    let target = json!({ "kind": "entry", "file": root.join("src/index.ts") });
    let job = json!({
        "records": records, "nonce": "n", "root": root, "appFolder": root, "targets": [target], "assumed": [],
    });
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("sniffer/main.cjs");
    for (major, node) in nodes() {
        // Without `--expose-internals`, which is how the library runs it.
        let status = std::process::Command::new(node).arg(&main).arg(job.to_string()).status().unwrap();
        assert!(status.success(), "Node {major}");
        let text = std::fs::read_to_string(&records).unwrap();
        std::fs::remove_file(&records).unwrap();
        for name in ["PORT", "LATER"] {
            assert!(text.contains(&format!(r#""name":"{name}""#)), "Node {major}: {name} is not in {text}");
        }
    }
}
