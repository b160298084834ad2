//! Tells the linker how to make the binary smaller.
//!
//! Relocations are a twentieth of it. They are packed into an eighth of their space where the binary
//! can unpack them: a static one brings the C library that does so, and glibc does since 2.36.
//!
//! Code that is seldom run is put apart (`seldom.ld`), which takes 0.7 MB from the memory of a
//! process, a third of the code that the kernel would map for it.

use std::env;
use std::process::Command;

/// The first glibc whose static programs apply packed relocations (DT_RELR).
const FIRST_GLIBC: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=.cargo");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|known| known == value);
    let is_native = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_native && is_gnu && glibc().is_some_and(|version| version >= FIRST_GLIBC) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    // GNU's linker and LLVM's read such scripts. Others, which somebody must have chosen, may not.
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if is_native && is_gnu && !flags.contains("fuse-ld") && env::var_os("RUSTC_LINKER").is_none() {
        let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
        println!("cargo::rustc-link-arg-bins=-T{folder}/.cargo/seldom.ld");
    }
}

/// The version of this machine's glibc: getconf(1) says `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
