//! Names of devices, from pci.ids:
//!
//! ```text
//! VVVV  vendor                     C CC  class
//! \tDDDD  device                   \tSS  subclass
//! \t\tVVVV DDDD  subsystem         \t\tPP  programming interface
//! ```

use crate::collector::text::to_text;
use std::fs::File;
use std::io::Read;

/// The labels of names. Those of the vendor and the device, of whose subsystem, and of the class.
pub(super) const NAMES: [&str; 5] =
    ["vendor_name", "device_name", "subsystem_vendor_name", "subsystem_device_name", "class_name"];

/// Where distributions have the file.
const PLACES: [&str; 2] = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];

/// Bytes of the file that are read; it has some 1.5 MB.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The file, which is read while there are devices without names.
pub(super) struct Names {
    path: String,
    text: Option<String>,
}

impl Names {
    /// Those of the file `path`, or of the usual ones where that is empty.
    pub(super) fn new(path: &str) -> Names {
        Names { path: path.to_owned(), text: None }
    }

    /// The names of a device with these ids: class, vendor, device, vendor and device of the
    /// subsystem. Where there is no file or no name, the id is the name.
    pub(super) fn find(&mut self, ids: &[String]) -> [String; NAMES.len()] {
        let text = self.text.get_or_insert_with(|| read(&self.path));
        let digits = |index: usize| ids[index].trim_start_matches("0x");
        find(text, [0, 1, 2, 3, 4].map(digits))
    }

    /// Lets go of the text.
    pub(super) fn forget(&mut self) {
        self.text = None;
    }
}

fn read(path: &str) -> String {
    let paths = if path.is_empty() { &PLACES[..] } else { &[path][..] };
    let mut bytes = Vec::new();
    if let Some(file) = paths.iter().find_map(|path| File::open(path).ok()) {
        // As far as it can be read: what is behind has no names.
        let _ = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
    }
    to_text(&bytes).into_owned()
}

fn find(text: &str, ids: [&str; 5]) -> [String; NAMES.len()] {
    let [class, vendor, device, subsystem_vendor, subsystem_device] = ids;
    let unknown = format!("Unknown class ({class})");
    let mut names = [vendor, device, subsystem_vendor, subsystem_device, &unknown];
    let subsystem = format!("{subsystem_vendor} {subsystem_device}");
    // The ids of the lines above, from the outermost on; of a class they are one number.
    let (mut is_class, mut above) = (false, [""; 2]);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let depth = line.bytes().take_while(|byte| *byte == b'\t').count();
        let Some((id, name)) = line[depth..].split_once("  ") else { continue };
        let (id, name) = (id.trim(), name.trim());
        if depth == 0 {
            is_class = id.starts_with("C ");
        }
        let id = if depth == 0 { id.trim_start_matches("C ") } else { id };
        if let Some(place) = above.get_mut(depth) {
            *place = id;
        }
        let is_below = |parents: &[&str]| above[..parents.len()] == *parents;
        match (is_class, depth) {
            (false, 0) => {
                for (index, wanted) in [(0, vendor), (2, subsystem_vendor)] {
                    if id == wanted {
                        names[index] = name;
                    }
                }
            }
            (false, 1) if is_below(&[vendor]) && id == device => names[1] = name,
            (false, 2) if is_below(&[vendor, device]) && id == subsystem => names[3] = name,
            (true, 0..=2) => {
                let wanted = class.get(2 * depth..2 * depth + 2);
                let parents = [class.get(..2).unwrap_or(""), class.get(2..4).unwrap_or("")];
                // The innermost line that fits comes last.
                if wanted == Some(id) && is_below(&parents[..depth]) {
                    names[4] = name;
                }
            }
            _ => {}
        }
    }
    names.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# List
8086  Maker of chips
\t10d3  A card
\t\t8086 a01f  The card
\t\t1af4 1100  Another one's
1af4  Maker of nothing
C 02  Network
\t00  Ethernet
C 0c  Bus
\t03  USB
\t\t30  XHCI
";

    #[test]
    fn names_are_those_of_all_the_ids_above() {
        const CASES: &[([&str; 5], [&str; 5])] = &[
            (
                ["020000", "8086", "10d3", "8086", "a01f"],
                ["Maker of chips", "A card", "Maker of chips", "The card", "Ethernet"],
            ),
            (
                ["0c0330", "1af4", "10d3", "1af4", "1100"],
                ["Maker of nothing", "10d3", "Maker of nothing", "1100", "XHCI"],
            ),
            (
                ["028000", "8086", "10d3", "1af4", "1100"],
                ["Maker of chips", "A card", "Maker of nothing", "Another one's", "Network"],
            ),
            (["ff0000", "1", "2", "3", "4"], ["1", "2", "3", "4", "Unknown class (ff0000)"]),
        ];
        for (ids, expected) in CASES {
            assert_eq!(find(TEXT, *ids), *expected, "{ids:?}");
        }
    }
}
