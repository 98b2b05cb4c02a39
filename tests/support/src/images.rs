//! References of images that the simulated registry has.

/// A pinned image of an app; another `version` is another digest.
pub fn image(app: &str, version: &str) -> String {
    format!("registry.test/shop-{app}@sha256:{}", digest(&format!("{app}{version}")))
}

/// A digest that looks like one and names its app.
pub fn digest(app: &str) -> String {
    let hex = app.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!("{hex:0<64}")
}
