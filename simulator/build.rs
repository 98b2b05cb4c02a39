//! Prepares the crate for loading by Node.js when the `napi` feature is on.

fn main() {
    #[cfg(feature = "napi")]
    napi_build::setup();
}
