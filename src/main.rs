//! The `promlet` binary.

fn main() {}
