//! What is mounted, from `mountinfo`:
//!
//! ```text
//! 36 35 98:0 /root /mount/point rw,noatime master:1 ... - ext4 /dev/sda1 rw,errors=continue
//! id  parent  root              options    any number     type device    super options
//!        major:minor
//! ```

use crate::collector::error::CollectError;
use crate::collector::lines::{Line, Lines, parse_number};
use crate::collector::text::to_text;

/// A mount, with labels as node_exporter has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::collector) struct Mount {
    pub(in crate::collector) device: Box<str>,
    pub(in crate::collector) fs_type: Box<str>,
    pub(in crate::collector) mount_point: Box<str>,
    pub(in crate::collector) major: Box<str>,
    pub(in crate::collector) minor: Box<str>,
    pub(in crate::collector) is_read_only: bool,
    /// The mount point as the kernel means it, below the root of the host.
    pub(in crate::collector) path: Box<[u8]>,
}

impl Mount {
    /// What tells its series from those of others.
    pub(in crate::collector) fn labels(&self) -> [Box<str>; 3] {
        [&self.device, &self.fs_type, &self.mount_point].map(Clone::clone)
    }
}

/// The mounts of the file in its order. `rootfs` is taken away from the start of mount points.
pub(in crate::collector) fn parse_mounts(
    content: &[u8],
    rootfs: &[u8],
) -> Result<Vec<Mount>, CollectError> {
    Lines::new("mountinfo", content).map(|line| parse_mount(line, rootfs)).collect()
}

fn parse_mount(mut line: Line<'_>, rootfs: &[u8]) -> Result<Mount, CollectError> {
    let mut field = |expected| line.until(b' ').ok_or_else(|| line.malformed(expected, None));
    field("an id")?;
    field("the id of the parent")?;
    let device_number = field("a device number")?;
    field("a root")?;
    let mount_point = field("a mount point")?;
    let options = field("mount options")?;
    while field("a hyphen")? != b"-" {}
    let fs_type = field("a type")?;
    let device = field("a device")?;
    let super_options = line.word().unwrap_or_default();
    let [major, minor] = parse_device_number(device_number)
        .ok_or_else(|| line.malformed("a device number", Some(device_number)))?;
    let is_ro = |options: &[u8]| options.split(|byte| *byte == b',').any(|option| option == b"ro");
    Ok(Mount {
        device: Box::from(to_text(device)),
        fs_type: Box::from(to_text(fs_type)),
        mount_point: Box::from(to_text(below(&unescape(mount_point, is_shown_plain), rootfs))),
        major: major.to_string().into(),
        minor: minor.to_string().into(),
        is_read_only: is_ro(options) || is_ro(super_options),
        path: below(&unescape(mount_point, |_| true), rootfs).into(),
    })
}

fn parse_device_number(number: &[u8]) -> Option<[u32; 2]> {
    let colon = number.iter().position(|byte| *byte == b':')?;
    Some([parse_number(&number[..colon])?, parse_number(&number[colon + 1..])?])
}

/// Blanks and tabs, which node_exporter shows as they are. It leaves other escapes as they stand.
fn is_shown_plain(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Replaces the octal escapes of bytes that are `wanted`; the kernel writes blanks, tabs, line feeds
/// and backslashes so.
fn unescape(escaped: &[u8], wanted: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut plain = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let [byte, after @ ..] = rest {
        let escape = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                Some(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'))
                    .filter(|byte| wanted(*byte))
            }
            _ => None,
        };
        plain.push(escape.unwrap_or(*byte));
        rest = if escape.is_some() { &rest[4..] } else { after };
    }
    plain
}

/// What a mount point is called seen from `rootfs`, if it is below that.
fn below<'p>(path: &'p [u8], rootfs: &[u8]) -> &'p [u8] {
    let rootfs = rootfs.strip_suffix(b"/").unwrap_or(rootfs);
    match path.strip_prefix(rootfs) {
        Some([]) => b"/",
        None if path.is_empty() => b"/",
        Some(below @ [b'/', ..]) => below,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &[u8], rootfs: &str) -> Mount {
        let mut mounts = parse_mounts(line, rootfs.as_bytes()).unwrap();
        assert_eq!(mounts.len(), 1);
        mounts.remove(0)
    }

    #[test]
    fn a_line_has_any_number_of_optional_fields() {
        for optional in ["", "master:1 ", "shared:2 master:1 propagate_from:7 "] {
            let line = format!("36 35 98:0 / /mnt rw,noatime {optional}- ext4 /dev/sda1 rw\n");
            let mount = one(line.as_bytes(), "/");
            let labels = [&*mount.device, &mount.fs_type, &mount.mount_point];
            assert_eq!(labels, ["/dev/sda1", "ext4", "/mnt"], "{optional}");
            assert_eq!([&*mount.major, &mount.minor], ["98", "0"]);
            assert!(!mount.is_read_only);
        }
        let unnamed = one(b"36 35 0:5 / /t rw - tmpfs  rw\n", "/");
        assert_eq!((&*unnamed.device, &*unnamed.fs_type), ("", "tmpfs"));
    }

    #[test]
    fn read_only_by_the_mount_or_by_the_file_system() {
        const CASES: &[(&str, &str, bool)] = &[
            ("rw", "rw", false),
            ("ro", "rw", true),
            ("rw", "ro,errors=remount-ro", true),
            ("rw,noatime,ro", "rw", true),
            ("rw,errors=ro", "rw,rootcontext=ro", false),
            ("rw", "", false),
        ];
        for (options, super_options, expected) in CASES {
            let line = format!("1 1 0:1 / /m {options} - ext4 d {super_options}\n");
            let mount = one(line.as_bytes(), "/");
            assert_eq!(mount.is_read_only, *expected, "{options} {super_options}");
        }
    }

    #[test]
    fn mount_points_of_any_name() {
        const CASES: &[(&[u8], &str, &[u8])] = &[
            (b"/a\\040b\\011c", "/a b\tc", b"/a b\tc"),
            (b"/a\\134b\\012c", "/a\\134b\\012c", b"/a\\b\nc"),
            (b"/a\\04", "/a\\04", b"/a\\04"),
            (b"/a\\999\\400", "/a\\999\\400", b"/a\\999\\400"),
            (b"/\xff\xfe/\xc3\xa4", "/\u{fffd}/ä", b"/\xff\xfe/\xc3\xa4"),
            (b"/\xe4", "/\u{fffd}", b"/\xe4"),
        ];
        for (escaped, label, path) in CASES {
            let line = [b"1 1 0:1 / ", *escaped, b" rw - ext4 d rw\n"].concat();
            let mount = one(&line, "/");
            assert_eq!((&*mount.mount_point, &*mount.path), (*label, *path));
        }
    }

    #[test]
    fn the_root_s_own_folder_is_taken_away() {
        const CASES: &[(&str, &str, &str)] = &[
            ("/host", "/host", "/"),
            ("/host", "/host/var", "/var"),
            ("/host/", "/host/var", "/var"),
            ("/host", "/hostile", "/hostile"),
            ("/host", "/", "/"),
            ("/", "/var", "/var"),
        ];
        for (rootfs, mount_point, expected) in CASES {
            let line = format!("1 1 0:1 / {mount_point} rw - ext4 d rw\n");
            assert_eq!(&*one(line.as_bytes(), rootfs).mount_point, *expected, "{rootfs}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("1 1 0:1 / /m rw\n", "mountinfo:1: expected mount options, found end of line"),
            ("1 1 0:1 / /m rw x y\n", "mountinfo:1: expected a hyphen, found end of line"),
            ("1 1 0.1 / /m rw - t d rw\n", "mountinfo:1: expected a device number, found 0.1"),
            ("1 1 0:x / /m rw - t d rw\n", "mountinfo:1: expected a device number, found 0:x"),
            ("1 1 0:1 / /m rw - t\n", "mountinfo:1: expected a type, found end of line"),
            ("\n", "mountinfo:1: expected an id, found end of line"),
        ];
        for (content, expected) in CASES {
            let error = parse_mounts(content.as_bytes(), b"/").unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_content_panics(content: Vec<u8>, rootfs: Vec<u8>) {
            let content: Vec<u8> = content.into_iter().chain([b'\n']).collect();
            let _ = parse_mounts(&content, &rootfs);
            let line = [b"1 1 0:1 / ", &*content, b" rw - ext4 d rw\n"].concat();
            let _ = parse_mounts(&line, &rootfs);
        }
    }
}
