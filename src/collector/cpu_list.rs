//! Lists of CPUs like `0,4-6`; see cpuset(7), "List format".

use super::error::CollectError;
use super::lines::parse_number;

/// CPUs that a kernel can be built for (`NR_CPUS`). A list that names one past it is refused, so
/// that it cannot make series without bound.
pub(crate) const CPUS_MAX: u32 = 8192;

/// Puts the CPUs of the list that `file` contains into `cpus`, in the order of the list.
///
/// # Errors
/// When it is no list; `cpus` has those before the error then.
pub(crate) fn parse_cpu_list(
    file: &'static str,
    content: &[u8],
    cpus: &mut Vec<u32>,
) -> Result<(), CollectError> {
    cpus.clear();
    let list = content.trim_ascii();
    for range in list.split(|byte| *byte == b',').filter(|_| !list.is_empty()) {
        let mut ends = range.splitn(2, |byte| *byte == b'-').map(parse_number::<u32>);
        let first = ends.next().flatten();
        let last = ends.next().unwrap_or(first);
        match first.zip(last) {
            Some((first, last)) if first <= last && last < CPUS_MAX => cpus.extend(first..=last),
            _ => return Err(CollectError::malformed(file, 1, "a list of CPUs", Some(range))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_of_cpus() {
        const CASES: &[(&str, &[u32])] = &[
            ("\n", &[]),
            ("", &[]),
            ("3\n", &[3]),
            ("0,4-6,9\n", &[0, 4, 5, 6, 9]),
            ("8191\n", &[8191]),
        ];
        let mut cpus = Vec::new();
        for (content, expected) in CASES {
            parse_cpu_list("isolated", content.as_bytes(), &mut cpus).unwrap();
            assert_eq!(cpus, *expected, "{content:?}");
        }
        for content in ["x", "1,", "5-3", "0-8192", "1-2-3", "0-4294967295", "-1"] {
            let error = parse_cpu_list("isolated", content.as_bytes(), &mut cpus);
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with("isolated:1: expected a list of CPUs, found "), "{error}");
        }
    }
}
