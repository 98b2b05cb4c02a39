//! The Node.js bindings: convert, call, convert back.
