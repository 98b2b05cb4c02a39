//! The check itself, on small crates that break one rule each.

use crate::circles;
use crate::graph::Graph;
use crate::purity::impurities;
use crate::rooms::trespasses;
use crate::source::Crate;
use std::fs;
use tempfile::TempDir;

/// Reads a crate of these files.
fn sources(files: &[(&str, &str)]) -> Crate {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        let path = folder.path().join("src").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Crate::read(folder.path(), &folder.path().join("src/lib.rs"))
}

/// The circles among two files beside a door, of which `b` uses the `A` of `a`.
fn circles_with(door: &str, a: &str) -> Vec<String> {
    circles(&Graph::of(&sources(&[
        ("lib.rs", "mod room;"),
        ("room/mod.rs", &format!("mod a; mod b; {door}")),
        ("room/a.rs", &format!("pub struct A; pub struct Other; {a}")),
        ("room/b.rs", "use super::a::A; pub struct B(A); pub enum Kind { One } pub fn make() {}"),
    ])))
}

#[test]
fn a_circle_is_found_whichever_way_the_name_takes() {
    for (door, a) in [
        ("", "use super::b::B; fn f(_: B) {}"),
        ("", "fn f() { crate::room::b::make() }"),
        ("", "fn f() { println!(\"{:?}\", super::b::make()) }"),
        ("", "use super::b; fn f() { b::make() }"),
        ("", "use super::b::{self as other}; fn f() { other::make() }"),
        ("", "#[serde(default = \"super::b::make\")] struct C;"),
        ("", "fn f() { use super::b::Kind::*; }"),
        ("pub use b::B;", "use super::B;"),
        ("pub use b::B as Renamed;", "use super::Renamed;"),
        ("pub use b::*;", "use super::make;"),
        ("use b::make;", "use super::make;"),
        ("pub use b::B;", "use super::*; fn f(_: B) {}"),
        ("pub use self::b::{make as build};", "fn f() { let _ = vec![crate::room::build()]; }"),
        ("pub mod inner { pub use super::b::B; }", "use super::inner::B;"),
    ] {
        let found = circles_with(door, a);
        assert_eq!(found.len(), 1, "{door} {a}: {found:?}");
        assert!(found[0].contains("src/room/a.rs:1 uses `"), "{}", found[0]);
    }
}

#[test]
fn what_is_no_circle_is_none() {
    for (door, a) in [
        ("pub use a::A; pub use b::B;", ""),
        ("pub use a::Other;", "fn f() -> super::Other { super::Other }"),
        ("pub use b::B;", "#[cfg(test)] mod tests { use super::super::B; }"),
        ("pub use b::B;", "#[cfg(test)] fn f(_: super::B) {}"),
        ("", "struct C; impl C { #[cfg(test)] fn f(_: super::b::B) {} }"),
        ("", "fn b() {} fn f() { b() }"),
    ] {
        assert_eq!(circles_with(door, a), Vec::<String>::new(), "{door} {a}");
    }
}

#[test]
fn a_door_is_in_a_circle_only_by_its_own_code() {
    let circles_of = |door: &str| {
        let files = [("lib.rs", "mod room;"), ("room/mod.rs", door), ("room/a.rs", "pub struct A(super::Settings);")];
        circles(&Graph::of(&sources(&files)))
    };
    assert_eq!(circles_of("mod a; pub use a::A; pub struct Settings;"), Vec::<String>::new());
    assert_eq!(circles_of("mod a; pub use a::A; pub struct Settings; fn f(_: A) {}").len(), 1);
}

#[test]
fn a_path_past_a_door_is_found() {
    let files = |path| {
        trespasses(&sources(&[
            ("lib.rs", "pub(crate) mod one; mod two;"),
            ("one/mod.rs", "pub(crate) mod private; pub(crate) mod inner; pub(crate) use private::A;"),
            ("one/private.rs", "pub(crate) struct A; fn f(_: super::inner::B) {}"),
            ("one/inner/mod.rs", "pub(crate) struct B;"),
            ("two.rs", path),
        ]))
    };
    assert_eq!(files("use crate::one::A;"), Vec::<String>::new());
    for path in ["use crate::one::private::A;", "use super::one::private;", "use crate::one::inner::B;"] {
        assert_eq!(files(path).len(), 1, "{path}");
    }
}

#[test]
fn code_that_reaches_out_is_found() {
    let dependencies = ["tokio", "serde", "time"].map(str::to_owned);
    let faults =
        |text| impurities(&sources(&[("lib.rs", text)]), &dependencies).map(|(_, fault)| fault).collect::<Vec<_>>();
    for text in [
        "use std::fs;",
        "use tokio::sync::Mutex;",
        "async fn f() { tokio::time::sleep(x).await }",
        "use std::time::Instant; fn f() { Instant::now(); }",
        "use std::time; fn f() { time::SystemTime::now(); }",
        "use time::OffsetDateTime; fn f() { OffsetDateTime::now_utc(); }",
        "fn f(path: &std::path::Path) -> bool { path.exists() }",
    ] {
        assert_eq!(faults(text).len(), 1, "{text}: {:?}", faults(text));
    }
    let harmless =
        "use serde::Serialize; use std::net::IpAddr; use std::time::Duration; fn f(now: time::OffsetDateTime) {}";
    assert_eq!(faults(harmless), Vec::<String>::new());
}
