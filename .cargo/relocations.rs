//! Asks the linker to pack the relocations of the binary, which are a twentieth of it, into an
//! eighth of their space, where the binary can unpack them: a static one brings the C library that
//! does so, and glibc does since 2.36.

use std::env;
use std::process::Command;

/// The first glibc whose static programs apply packed relocations (DT_RELR).
const FIRST_GLIBC: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=.cargo/relocations.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|known| known == value);
    let is_native = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_native && is_gnu && glibc().is_some_and(|version| version >= FIRST_GLIBC) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's glibc: getconf(1) says `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
