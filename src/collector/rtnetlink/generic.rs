//! Families of generic netlink (linux/genetlink.h), which the kernel knows by name and each of
//! which has a number of its own.
//!
//! ```text
//! body  command u8 | version u8 | reserved u16 | attributes
//! ```

use super::{KernelSocket, Protocol, attributes, text};
use crate::collector::error::CollectError;
use std::io;

const HEADER_BYTES: usize = 4;

/// The family that tells of the others.
const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;

/// A family, and a socket to ask it.
pub(in crate::collector) struct GenericFamily {
    name: &'static str,
    version: u8,
    socket: KernelSocket,
    /// Once it is known.
    number: Option<u16>,
}

impl GenericFamily {
    /// The family of this name, which is looked up by the first dump.
    pub(in crate::collector) fn new(name: &'static str, version: u8) -> GenericFamily {
        GenericFamily { name, version, socket: KernelSocket::new(Protocol::Generic), number: None }
    }

    /// Asks for all things of a kind, and calls `visit` with the attributes of each.
    ///
    /// # Errors
    /// [`CollectError::NoData`] where the kernel has no such family; those of
    /// [`KernelSocket::dump`].
    pub(in crate::collector) fn dump(
        &mut self,
        what: &'static str,
        command: u8,
        attributes: &[u8],
        mut visit: impl FnMut(&[u8]),
    ) -> Result<(), CollectError> {
        let number = self.number()?;
        let body = [&[command, self.version, 0, 0], attributes].concat();
        self.socket.dump(what, (number, number), &body, |body| {
            visit(body.get(HEADER_BYTES..).unwrap_or_default());
        })
    }

    fn number(&mut self) -> Result<u16, CollectError> {
        if self.number.is_none() {
            let (kinds, body) = ((GENL_ID_CTRL, GENL_ID_CTRL), [CTRL_CMD_GETFAMILY, 0, 0, 0]);
            let (name, number) = (self.name.as_bytes(), &mut self.number);
            self.socket.dump("CTRL_CMD_GETFAMILY", kinds, &body, |body| {
                *number = number.or_else(|| parse_family(body.get(HEADER_BYTES..)?, name));
            })?;
        }
        let missing = || CollectError::from_call(self.name, &io::ErrorKind::NotFound.into());
        self.number.ok_or_else(missing)
    }
}

/// The value of a kind of attribute; `None` where it is missing or cut off.
pub(in crate::collector) fn value(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).map_while(|attribute| attribute).find(|(of, _)| *of == kind).map(|(_, v)| v)
}

/// The number of the family, if it is the one of this name.
fn parse_family(attributes: &[u8], name: &[u8]) -> Option<u16> {
    let is_it = text(value(attributes, CTRL_ATTR_FAMILY_NAME)?) == name;
    let number = value(attributes, CTRL_ATTR_FAMILY_ID)?.first_chunk()?;
    is_it.then_some(u16::from_ne_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::rtnetlink::tests::attribute;

    #[test]
    fn a_family_is_found_by_its_whole_name() {
        let family = [
            attribute(CTRL_ATTR_FAMILY_NAME, b"nl80211\0"),
            attribute(CTRL_ATTR_FAMILY_ID, &29_u16.to_ne_bytes()),
        ]
        .concat();
        assert_eq!(parse_family(&family, b"nl80211"), Some(29));
        assert_eq!(parse_family(&family, b"nl802"), None);
        assert_eq!(parse_family(&family[..12], b"nl80211"), None);
    }

    #[test]
    fn a_family_that_the_kernel_lacks_is_no_data() {
        let error = GenericFamily::new("no such", 1).dump("x", 1, &[], |_| {}).unwrap_err();
        assert!(error.is_no_data(), "{error}");
    }
}
