//! Identifiers of the shapes that Dokploy and Docker make.

use rand::RngExt;

const NANOID: &[u8] = b"useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const HEX: &[u8] = b"0123456789abcdef";
const WORDS: &[&str] = &[
    "back-end",
    "bus",
    "calculate",
    "card",
    "driver",
    "hack",
    "index",
    "input",
    "matrix",
    "neural",
    "panel",
    "parse",
    "port",
    "program",
    "quantify",
    "sensor",
    "synthesize",
    "transmit",
    "virtual",
    "wireless",
];

fn pick(alphabet: &[u8], length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(alphabet[random.random_range(0..alphabet.len())])).collect()
}

/// A record's id: 21 characters, which may begin with `_` or `-`.
pub(crate) fn nanoid() -> String {
    pick(NANOID, 21)
}

/// The `-` and six characters that the server appends to every appName.
pub(crate) fn app_name_suffix() -> String {
    format!("-{}", pick(LOWER, 6))
}

/// The base of an appName that the caller left out.
pub(crate) fn app_name_words(prefix: &str) -> String {
    let mut random = rand::rng();
    let mut name = prefix.to_owned();
    for _ in 0..3 {
        name.push('-');
        name.push_str(WORDS[random.random_range(0..WORDS.len())]);
    }
    name
}

/// An id as Swarm makes them: 25 lower-case characters.
pub(crate) fn swarm_id() -> String {
    pick(LOWER, 25)
}

/// A container's id: 64 hexadecimal digits.
pub(crate) fn container_id() -> String {
    pick(HEX, 64)
}

/// `length` letters, for keys, tokens and generated passwords.
pub(crate) fn letters(length: usize) -> String {
    pick(LETTERS, length)
}

/// A number below `bound`.
pub(crate) fn below(bound: u64) -> u64 {
    rand::rng().random_range(0..bound.max(1))
}
