//! Users and groups out of `/etc/passwd` and `/etc/group` (passwd(5), group(5)), read here: the C
//! library would want its name service modules, which a static binary in a scratch image has not.

use super::super::suggest;
use super::error::Fault;
use crate::supervisor::Identity;
use std::sync::Arc;

/// The two files; empty where there is none.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) passwd: String,
    pub(super) group: String,
}

/// A line of `/etc/passwd`, as far as it matters here.
struct User<'a> {
    /// None where the file does not have the user.
    name: Option<&'a str>,
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
    /// Or else what is wrong with which key.
    pub(super) fn identity(
        &self,
        user: Option<&str>,
        group: Option<&str>,
    ) -> Result<Option<Identity>, Vec<(&'static str, Fault)>> {
        let gid = group.map(|group| self.gid(group)).transpose();
        let user = user.map(|user| self.user(user, group.is_some())).transpose();
        let (gid, user) = match (gid, user) {
            (Ok(gid), Ok(user)) => (gid, user),
            (gid, user) => {
                let group = gid.err().map(|fault| ("group", fault));
                return Err(group
                    .into_iter()
                    .chain(user.err().map(|fault| ("user", fault)))
                    .collect());
            }
        };
        let Some(user) = user else {
            return Ok(gid.map(|gid| Identity { uid: None, gid, groups: vec![gid] }));
        };
        let gid = gid.unwrap_or(user.gid);
        let is_member =
            |group: &Group<'_>| group.members.split(',').any(|name| Some(name) == user.name);
        let others = self.groups().filter(is_member).map(|group| group.gid);
        let mut groups: Vec<u32> = std::iter::once(gid).chain(others).collect();
        groups.sort_unstable();
        groups.dedup();
        Ok(Some(Identity { uid: Some(user.uid), gid, groups }))
    }

    /// A user by name or number; one that is not in the file has no name, and only numbers.
    fn user(&self, user: &str, has_group: bool) -> Result<User<'_>, Fault> {
        let uid = user.parse::<u32>().ok();
        let by_name = self.users().find(|entry| entry.name == Some(user));
        let known = by_name.or_else(|| self.users().find(|entry| Some(entry.uid) == uid));
        match (known, uid) {
            (Some(known), _) => Ok(known),
            // The group is another key's, and this one is not looked at.
            (None, Some(uid)) if has_group => Ok(User { name: None, uid, gid: uid }),
            (None, Some(_)) => {
                let expected = "the key group beside a user that is not in /etc/passwd";
                Err(Fault::new(expected, user))
            }
            (None, None) => {
                let nearest = suggest::nearest(user, self.users().filter_map(|user| user.name));
                Err(Fault::new("a number or a name in /etc/passwd", user).or_rather(nearest))
            }
        }
    }

    /// The number of a user: itself, or that of a name.
    pub(super) fn uid(&self, user: &str) -> Result<u32, Fault> {
        let known = self.users().find(|entry| entry.name == Some(user)).map(|entry| entry.uid);
        known.or_else(|| user.parse().ok()).ok_or_else(|| {
            let nearest = suggest::nearest(user, self.users().filter_map(|user| user.name));
            Fault::new("a number or a name in /etc/passwd", user).or_rather(nearest)
        })
    }

    /// The users that have a name.
    pub(super) fn user_names(&self) -> Arc<[(u32, String)]> {
        self.users().filter_map(|user| Some((user.uid, user.name?.to_owned()))).collect()
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
            let name = fields.next().filter(|name| !name.is_empty());
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
            let faults = accounts().identity(*user, *group).unwrap_err();
            let faults: Vec<_> =
                faults.iter().map(|(key, fault)| format!("{key}: {fault}")).collect();
            assert_eq!(faults, [*expected]);
        }
    }
}
