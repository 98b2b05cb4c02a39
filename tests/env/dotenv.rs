//! Holds the reading and writing of `env` texts to the real `dotenv` package, which the server reads them with.

use deploy_native::ErrorCode;
use deploy_native::env::{encode_env, parse_env, read_env};
use deploy_native::secrets::Secret;
use indexmap::IndexMap;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the real package makes of each text, all in one process.
fn real_dotenv(texts: &[String]) -> Vec<BTreeMap<String, String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(
        root.join("node_modules/dotenv/package.json").is_file(),
        "the npm package dotenv is not installed: run `npm install` in {}",
        root.display()
    );
    let script = "const { parse } = require('dotenv'); let text = ''; process.stdin.setEncoding('utf8'); \
                  process.stdin.on('data', (chunk) => { text += chunk }); process.stdin.on('end', () => \
                  process.stdout.write(JSON.stringify(JSON.parse(text).map((one) => Object.entries(parse(one))))))";
    let mut node = Command::new("node")
        .args(["-e", script])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut input = node.stdin.take().expect("its input is piped");
    let json = serde_json::to_vec(texts).expect("texts are JSON");
    let writer = std::thread::spawn(move || input.write_all(&json));
    let output = node.wait_with_output().expect("node ends");
    writer.join().expect("the writer ends").expect("node reads");
    assert!(output.status.success(), "node failed");
    let parsed: Vec<Vec<(String, String)>> = serde_json::from_slice(&output.stdout).expect("node answers in JSON");
    parsed.into_iter().map(|pairs| pairs.into_iter().collect()).collect()
}

fn modelled(text: &str) -> BTreeMap<String, String> {
    parse_env(text).into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
}

/// Letters that mean something to dotenv, to the reference pass or to a shell, and any other.
fn letter() -> impl Strategy<Value = char> {
    prop_oneof![
        12 => prop::sample::select(vec!['\'', '"', '`', '\\', '\n', '\r', '#', ' ', '{']),
        4 => prop::sample::select(vec!['n', 'r', '=', ':', '$', '{', '}', '\t', '-', '.', '_']),
        3 => prop::sample::select(vec!['a', 'B', '1', 'é', '💥']),
        2 => prop::sample::select(vec!['\u{2028}', '\u{2029}', '\u{a0}', '\u{feff}', '\u{b}', '\u{c}', '\u{85}', '\u{180e}']),
        1 => any::<char>(),
    ]
}

fn hostile(longest: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(letter(), 0..longest).prop_map(String::from_iter)
}

/// Text that looks like assignments, so that most of it is read as something.
fn env_text() -> impl Strategy<Value = String> {
    let line = (
        prop::sample::select(vec!["A", "B.c-d", "export C", "  D", "export", "__proto__", "1", ""]),
        prop::sample::select(vec!["=", " = ", ":", ": ", " ", "=\n", ""]),
        prop_oneof![3 => hostile(10), 1 => Just(String::new())],
        prop::sample::select(vec!["\n", "\r\n", "\r", "", " # c\n", "#'\n", "\u{2028}"]),
    );
    prop::collection::vec(line, 0..5).prop_map(|lines| {
        lines
            .into_iter()
            .flat_map(|(name, sign, value, end)| [name.to_owned(), sign.to_owned(), value, end.to_owned()])
            .collect()
    })
}

fn samples<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("a sample").current()).collect()
}

fn environment() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop_oneof![4 => hostile(8), 1 => any::<String>()], 1..6)
}

/// What the containers get: the values that dotenv reads, with each literal of a template in place of its expression.
fn expanded(read: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let literal = |value: String| value.replace(r#"{{"{{"}}"#, "{{").replace("{{`{{`}}", "{{");
    read.into_iter().map(|(name, value)| (name, literal(value))).collect()
}

fn named(values: &[String]) -> IndexMap<String, Secret> {
    let name = |index: usize| ["A", "B_B", "C.c", "D-d", "constructor", "E"][index].to_owned();
    values.iter().enumerate().map(|(index, value)| (name(index), Secret::new(value.as_str()))).collect()
}

#[test]
fn our_reading_of_a_text_is_that_of_the_real_package() {
    let texts = samples(&env_text(), 20_000);
    for (text, real) in texts.iter().zip(real_dotenv(&texts)) {
        assert_eq!(modelled(text), real, "{text:?}");
    }
}

#[test]
fn every_value_that_is_written_arrives_byte_for_byte_through_the_real_package() {
    let environments = samples(&environment(), 8_000);
    let (mut texts, mut wanted) = (Vec::new(), Vec::new());
    for values in &environments {
        let variables = named(values);
        match encode_env("api", &variables) {
            Ok(text) => {
                texts.push(text);
                wanted.push(variables);
            }
            Err(error) => assert_eq!(error.code(), ErrorCode::EnvNotRepresentable, "{error} {values:?}"),
        }
    }
    assert!(texts.len() > environments.len() / 3, "too few environments can be written: {}", texts.len());
    for ((text, real), wanted) in texts.iter().zip(real_dotenv(&texts)).zip(wanted) {
        let wanted: BTreeMap<String, String> =
            wanted.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect();
        assert_eq!(expanded(real), wanted, "{text:?}");
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(2_000) })]

    #[test]
    fn a_value_arrives_or_is_refused_by_name(values in environment()) {
        let variables = named(&values);
        match encode_env("api", &variables) {
            Ok(text) => {
                let stored = read_env(&text);
                prop_assert_eq!(&stored.values, &variables);
                prop_assert!(stored.templated.is_empty());
                // What holds no template is written as if there were none.
                if values.iter().all(|value| !value.contains("{{")) {
                    prop_assert_eq!(parse_env(&text), variables);
                }
            }
            Err(error) => {
                prop_assert_eq!(error.code(), ErrorCode::EnvNotRepresentable);
                prop_assert_eq!(error.app_name(), Some("api"));
                let refused = |name: &String| error.message().contains(&format!("  - {name}: "));
                prop_assert!(variables.keys().any(refused), "{}", error);
            }
        }
    }

    /// What people use must not be refused: one kind of quote may always be missing, and lines may be many.
    #[test]
    fn a_value_that_lacks_a_quote_is_never_refused(value in hostile(12), quote in prop::sample::select(vec!['\'', '`'])) {
        let value = value.replace([quote, '\0', '\r'], "").replace("${{", "");
        let variables = IndexMap::from([("A".to_owned(), Secret::new(value.as_str()))]);
        let text = encode_env("api", &variables);
        prop_assert!(text.is_ok(), "{:?}", value);
    }
}

#[test]
fn what_cannot_arrive_is_refused_with_its_reason_and_without_its_value() {
    for (name, value, reason) in [
        ("A", "canary\0", "NUL"),
        ("A", "canary ${{project.X}}", "`${{`"),
        ("A", "canary '`\"\n#'", "mixes quotes"),
        ("A", "canary \"#\r", "mixes quotes"),
        ("A", r"canary \n and \r", ""),
        ("A", "canary \"\r", ""),
        ("A", "canary \\r\r", "mixes quotes"),
        ("__proto__", "canary", "its name"),
        ("A B", "canary", "its name"),
        ("A=B", "canary", "its name"),
        ("", "canary", "its name"),
    ] {
        let variables = IndexMap::from([("OK".to_owned(), Secret::new("1")), (name.to_owned(), Secret::new(value))]);
        match encode_env("api", &variables) {
            Ok(_) => assert_eq!(reason, "", "{value:?} was accepted"),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::EnvNotRepresentable);
                assert!(error.message().contains(&format!("  - {name}: ")), "{error}");
                assert!(!reason.is_empty() && error.message().contains(reason), "{error}");
                assert!(!error.message().contains("canary") && !format!("{error:?}").contains("canary"), "{error:?}");
            }
        }
    }
    let long = IndexMap::from([("A".to_owned(), Secret::new("x".repeat(128 * 1024)))]);
    assert!(encode_env("api", &long).unwrap_err().message().contains("128 KiB"));
    let each = |number: usize| (format!("A{number}"), Secret::new("x".repeat(100_000 + number)));
    let many: IndexMap<String, Secret> = (0..11).map(each).collect();
    let message = encode_env("api", &many).unwrap_err().message().to_owned();
    assert!(message.contains("  - A10: ") && message.contains("1 MiB"), "{message}");
    assert!(encode_env("api", &(0..10).map(each).collect()).is_ok());
}

/// Docker's client expands a format with the engine that Swarm expands a service's environment with: Go's `text/template`.
#[test]
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn what_is_written_for_a_template_expands_to_the_value_in_gos_own_engine() {
    // The client itself trims the format and replaces these two.
    let value = prop_oneof![Just("{{".to_owned()), hostile(6)].prop_map(|it| it.replace(['\\', '\0', '\r'], ""));
    let values = samples(&prop::collection::vec(value, 1..6).prop_map(|parts| parts.concat()), 400);
    let (mut format, mut wanted) = ("|".to_owned(), "|".to_owned());
    for value in values.iter().filter(|value| !value.contains("${{")) {
        let Ok(text) = encode_env("api", &named(std::slice::from_ref(value))) else { continue };
        format += parse_env(&text)["A"].expose();
        wanted += value;
        format.push('|');
        wanted.push('|');
    }
    assert!(wanted.matches("{{").count() > 100, "too few templates");
    let arguments = ["context", "inspect", "default", "--format", &format];
    match Command::new("docker").args(arguments).env("DOCKER_CONTEXT", "default").output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n'), wanted);
        }
        Err(error) => eprintln!("Go's engine was not asked: no Docker client: {error}"),
    }
}

#[test]
fn what_holds_a_template_is_written_as_one_that_yields_it() {
    for (value, text) in [
        ("{{name}}", r#"A={{"{{"}}name}}"#),
        ("it's {{name}} #1", r#"A=`it's {{"{{"}}name}} #1`"#),
        ("it's `{{name}}` #1", r#"A="it's `{{`{{`}}name}}` #1""#),
        ("}} { {", "A=}} { {"),
    ] {
        let variables = named(&[value.to_owned()]);
        assert_eq!(encode_env("api", &variables).unwrap(), text);
        assert_eq!(read_env(text).values, variables);
    }
    let stored = read_env("A={{.Node.Hostname}}\nB={{name}}\nC=1");
    assert_eq!(stored.templated.iter().map(String::as_str).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(stored.values.keys().collect::<Vec<_>>(), ["C"]);
}

#[test]
fn plain_values_stay_plain() {
    let variables = named(&["production", "postgresql://a:b@c:5432/d", "a#b", " x ", "", "it's"].map(str::to_owned));
    let text = "A=production\nB_B=postgresql://a:b@c:5432/d\nC.c='a#b'\nD-d=' x '\nconstructor=''\nE=it's";
    assert_eq!(encode_env("api", &variables).unwrap(), text);
}
