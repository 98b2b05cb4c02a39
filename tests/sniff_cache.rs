//! Kept answers: exact while nothing changed, never used when something did.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod sniff_support;

use deploy_native::sniff::{SniffOptions, SniffedEnvironment, sniff_app};
use serde_json::json;
use sniff_support::{app, asking, workspace, write};
use std::path::{Path, PathBuf};

async fn sniff(folder: &Path) -> SniffedEnvironment {
    let app = app(&json!({ "entry": "src/index.ts" }));
    sniff_app(&app, "app", folder, &SniffOptions::default()).await.unwrap()
}

/// Sniffs until the answer is kept, then does `change` and tells whether the next one is kept still, and its names.
async fn after(files: &[(&str, &str)], change: impl FnOnce(&Path)) -> (bool, Vec<String>) {
    let folder = workspace(files);
    let first = sniff(folder.path()).await;
    assert!(!first.cached && first.error.is_none(), "{first:?}");
    let mut second = sniff(folder.path()).await;
    assert!(second.cached, "an unchanged app is not sniffed again");
    second.cached = false;
    assert_eq!(second, first);
    change(folder.path());
    let third = sniff(folder.path()).await;
    (third.cached, third.required_env_vars)
}

fn kept_file(folder: &Path) -> PathBuf {
    let mut kept = std::fs::read_dir(folder.join(".gkm/cache")).unwrap();
    kept.next().unwrap().unwrap().path()
}

#[tokio::test]
async fn an_unrelated_change_keeps_the_answer() {
    let files = [("src/index.ts", asking(&["PORT"]))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (cached, names) = after(&files, |folder| write(folder, &[("docs/notes.md", "x")])).await;
    assert_eq!((cached, names), (true, vec!["PORT".to_owned()]));
}

#[tokio::test]
async fn a_changed_module_is_seen() {
    let index = "import './config';\n";
    let files = [("src/index.ts", index), ("src/config.ts", &asking(&["PORT"]))];
    let (cached, names) = after(&files, |folder| write(folder, &[("src/config.ts", &asking(&["PORT", "KEY"]))])).await;
    assert_eq!((cached, names), (false, vec!["KEY".to_owned(), "PORT".to_owned()]));
}

#[tokio::test]
async fn a_new_file_that_is_found_first_is_seen() {
    let files = [("src/index.ts", "import './config';\n"), ("src/config/index.ts", &asking(&["PORT"]))];
    let (cached, names) = after(&files, |folder| write(folder, &[("src/config.ts", &asking(&["KEY"]))])).await;
    assert_eq!((cached, names), (false, vec!["KEY".to_owned()]));
}

#[tokio::test]
async fn a_file_that_the_app_reads_is_seen() {
    let index = format!(
        "import {{ readFileSync }} from 'node:fs';\n{}const names = JSON.parse(readFileSync('names.json', 'utf8'));\n\
         new EnvironmentParser({{}}).create((get) => Object.fromEntries(names.map((name: string) => [name, get(name).string()])));\n",
        asking(&["PORT"])
    );
    let files = [("src/index.ts", index.as_str()), ("names.json", r#"["A"]"#)];
    let (cached, names) = after(&files, |folder| write(folder, &[("names.json", r#"["B"]"#)])).await;
    assert_eq!((cached, names), (false, vec!["B".to_owned(), "PORT".to_owned()]));
}

#[tokio::test]
async fn an_environment_file_that_is_not_deployed_changes_nothing() {
    let index =
        format!("process.loadEnvFile();\n{}if (process.env.MORE === '1') await import('./more');\n", asking(&["PORT"]));
    let files = [("src/index.ts", index.as_str()), ("src/more.ts", &asking(&["MORE_KEY"])), (".env", "MORE=0\n")];
    let (cached, names) = after(&files, |folder| write(folder, &[(".env", "MORE=1\n")])).await;
    assert_eq!((cached, names), (true, vec!["PORT".to_owned()]));
}

#[tokio::test]
async fn a_file_that_the_app_looked_for_in_vain_is_seen() {
    let index = format!(
        "import {{ existsSync }} from 'node:fs';\n{}if (existsSync('local.flag')) await import('./local');\n",
        asking(&["PORT"])
    );
    let files = [("src/index.ts", index.as_str()), ("src/local.ts", &asking(&["LOCAL"]))];
    let (cached, names) = after(&files, |folder| write(folder, &[("local.flag", "")])).await;
    assert_eq!((cached, names), (false, vec!["LOCAL".to_owned(), "PORT".to_owned()]));
}

#[tokio::test]
async fn another_version_of_a_package_is_seen() {
    let manifest =
        |version| format!(r#"{{ "name": "dep", "version": "{version}", "type": "module", "main": "i.js" }}"#);
    let ask = |name: &str| asking(&[name]).replace(" as any", "");
    let index = "import 'dep';\n";
    let files = [
        ("src/index.ts", index),
        ("node_modules/dep/package.json", &manifest("1.0.0")),
        ("node_modules/dep/i.js", &ask("OLD")),
    ];
    let (cached, names) = after(&files, |folder| {
        let next = [("node_modules/dep/package.json", manifest("1.0.1")), ("node_modules/dep/i.js", ask("NEW"))];
        for (name, text) in next {
            write(folder, &[(name, &text)]);
        }
    })
    .await;
    assert_eq!((cached, names), (false, vec!["NEW".to_owned()]));
}

#[tokio::test]
async fn changed_settings_are_seen() {
    let paths = |target| format!(r#"{{ "compilerOptions": {{ "paths": {{ "~env": ["./src/{target}.ts"] }} }} }}"#);
    let files = [
        ("src/index.ts", "import '~env';\n"),
        ("src/one.ts", &asking(&["ONE"])),
        ("src/two.ts", &asking(&["TWO"])),
        ("tsconfig.json", r#"{ "extends": "./tsconfig.base.json" }"#),
        ("tsconfig.base.json", &paths("one")),
    ];
    let (cached, names) = after(&files, |folder| write(folder, &[("tsconfig.base.json", &paths("two"))])).await;
    assert_eq!((cached, names), (false, vec!["TWO".to_owned()]));
}

#[tokio::test]
async fn a_damaged_answer_is_none() {
    let files = [("src/index.ts", asking(&["PORT"]))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (cached, names) = after(&files, |folder| {
        let file = kept_file(folder);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("PORT", "PART")).unwrap();
    })
    .await;
    assert_eq!((cached, names), (false, vec!["PORT".to_owned()]));
    let (cached, names) = after(&files, |folder| {
        let file = kept_file(folder);
        let text = std::fs::read(&file).unwrap();
        std::fs::write(&file, &text[..text.len() / 2]).unwrap();
    })
    .await;
    assert_eq!((cached, names), (false, vec!["PORT".to_owned()]));
}

#[tokio::test]
async fn failures_and_what_depends_on_other_programs_are_not_kept() {
    for ending in ["throw new Error('no');", "import('node:child_process').then(({ execSync }) => execSync('true'));"] {
        let folder = workspace(&[("src/index.ts", &format!("{}{ending}\n", asking(&["PORT"])))]);
        assert!(!sniff(folder.path()).await.cached);
        assert!(!sniff(folder.path()).await.cached, "{ending}");
    }
}

#[tokio::test]
async fn an_answer_that_took_several_runs_is_kept_with_what_each_of_them_read() {
    let index = format!(
        "import {{ readFileSync }} from 'node:fs';\nconst name = readFileSync('name.txt', 'utf8').trim();\n\
         if (!process.env[name]) throw new Error(`${{name}} is missing`);\n{}",
        asking(&["PORT"])
    );
    let files = [("src/index.ts", index.as_str()), ("name.txt", "FIRST_KEY")];
    let (cached, names) = after(&files, |folder| write(folder, &[("name.txt", "SECOND_KEY")])).await;
    assert_eq!((cached, names), (false, vec!["PORT".to_owned(), "SECOND_KEY".to_owned()]));
}

#[tokio::test]
async fn the_cache_can_be_left_out_or_put_elsewhere() {
    let folder = workspace(&[("src/index.ts", &asking(&["PORT"]))]);
    let elsewhere = tempfile::tempdir().unwrap();
    let app = app(&json!({ "entry": "src/index.ts" }));
    let options = |cache| SniffOptions::default().cache(cache).cache_dir(elsewhere.path().to_path_buf());
    for (cache, cached) in [(false, false), (true, false), (false, false), (true, true)] {
        let sniffed = sniff_app(&app, "app", folder.path(), &options(cache)).await.unwrap();
        assert_eq!(sniffed.cached, cached);
    }
    assert!(!folder.path().join(".gkm").exists());
}
