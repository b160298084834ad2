//! Users and groups out of `/etc/passwd` and `/etc/group` (passwd(5), group(5)), read here: the C
//! library would want its name service modules, which a static binary in a scratch image has not.

use super::super::suggest;
use super::error::Fault;
use crate::supervisor::Identity;

/// The two files; empty where there is none.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) passwd: String,
    pub(super) group: String,
}

/// A line of `/etc/passwd`, as far as it matters here.
struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
}

/// A line of `/etc/group`.
struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

impl Accounts {
    /// The numbers of `user`, and of `group` in place of the user's own. Both are names or numbers.
    pub(super) fn identity(
        &self,
        user: Option<&str>,
        group: Option<&str>,
    ) -> Result<Option<Identity>, (&'static str, Fault)> {
        let gid =
            group.map(|group| self.gid(group).map_err(|fault| ("group", fault))).transpose()?;
        let Some(user) = user else {
            return Ok(gid.map(|gid| Identity { uid: None, gid, groups: vec![gid] }));
        };
        let known = self.users().find(|entry| entry.name == user);
        let uid = user.parse::<u32>().ok();
        let known = known.or_else(|| self.users().find(|entry| Some(entry.uid) == uid));
        let (uid, gid) = match (&known, uid, gid) {
            (Some(known), _, gid) => (known.uid, gid.unwrap_or(known.gid)),
            (None, Some(uid), Some(gid)) => (uid, gid),
            (None, Some(_), None) => {
                let expected = "the key group beside a user that is not in /etc/passwd";
                return Err(("user", Fault::new(expected, user)));
            }
            (None, None, _) => {
                let nearest = suggest::nearest(user, self.users().map(|user| user.name));
                let fault = Fault::new("a number or a name in /etc/passwd", user);
                return Err(("user", fault.or_rather(nearest)));
            }
        };
        let name = known.map(|known| known.name);
        let is_of_user = |group: &Group<'_>| group.members.split(',').any(|m| Some(m) == name);
        let others = self.groups().filter(is_of_user).map(|group| group.gid);
        let mut groups: Vec<u32> = std::iter::once(gid).chain(others).collect();
        groups.sort_unstable();
        groups.dedup();
        Ok(Some(Identity { uid: Some(uid), gid, groups }))
    }

    fn gid(&self, group: &str) -> Result<u32, Fault> {
        let known = self.groups().find(|entry| entry.name == group).map(|entry| entry.gid);
        known.or_else(|| group.parse().ok()).ok_or_else(|| {
            let nearest = suggest::nearest(group, self.groups().map(|group| group.name));
            Fault::new("a number or a name in /etc/group", group).or_rather(nearest)
        })
    }

    fn users(&self) -> impl Iterator<Item = User<'_>> {
        self.passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let mut numbers = fields.skip(1).map(str::parse);
            Some(User { name, uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()? })
        })
    }

    fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        self.group.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, _password) = (fields.next()?, fields.next()?);
            let gid = fields.next()?.parse().ok()?;
            Some(Group { name, gid, members: fields.next()?.trim_end() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nbroken\nwww:x:33:34::/:/bin/false\n";
    const GROUP: &str = "root:x:0:\nwww:x:34:\nlog:x:4:www,adm\nssl:x:7:adm,www\nadm:x:5:w\n";

    fn accounts() -> Accounts {
        Accounts { passwd: PASSWD.to_owned(), group: GROUP.to_owned() }
    }

    #[test]
    fn names_and_numbers() {
        type Case = (Option<&'static str>, Option<&'static str>, Option<(Option<u32>, u32)>);
        const CASES: &[(Case, &[u32])] = &[
            ((None, None, None), &[]),
            ((Some("www"), None, Some((Some(33), 34))), &[4, 7, 34]),
            ((Some("33"), None, Some((Some(33), 34))), &[4, 7, 34]),
            ((Some("www"), Some("adm"), Some((Some(33), 5))), &[4, 5, 7]),
            ((Some("1000"), Some("1001"), Some((Some(1000), 1001))), &[1001]),
            ((None, Some("log"), Some((None, 4))), &[4]),
        ];
        for ((user, group, expected), groups) in CASES {
            let found = accounts().identity(*user, *group).unwrap();
            let expected =
                expected.map(|(uid, gid)| Identity { uid, gid, groups: groups.to_vec() });
            assert_eq!(found, expected, "{user:?} {group:?}");
        }
    }

    #[test]
    fn who_is_not_there_is_named() {
        const CASES: &[(Option<&str>, Option<&str>, &str)] = &[
            (
                Some("wwww"),
                None,
                "user: expected a number or a name in /etc/passwd, found \"wwww\", did you mean www?",
            ),
            (Some("-1"), None, "user: expected a number or a name in /etc/passwd, found \"-1\""),
            (
                Some("1000"),
                None,
                "user: expected the key group beside a user that is not in /etc/passwd, found \"1000\"",
            ),
            (None, Some("x y"), "group: expected a number or a name in /etc/group, found \"x y\""),
        ];
        for (user, group, expected) in CASES {
            let (key, fault) = accounts().identity(*user, *group).unwrap_err();
            assert_eq!(format!("{key}: {fault}"), *expected);
        }
    }
}
