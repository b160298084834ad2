use super::*;

#[test]
fn expressions_of_node_exporter() {
    const CASES: &[(&str, &[&str], &[&str])] = &[
        (
            r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
            &["ram0", "zram12", "loop7", "fd0", "sda1", "hdz10", "xvdb2", "nvme0n1p1"],
            &["sda", "nvme0n1", "dm-0", "sda1x", "xsda1", "md127", "", "sdaa1"],
        ),
        (
            r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
            &["/dev", "/dev/shm", "/proc", "/sys/fs", "/var/lib/docker/x", "/run/credentials/a/b"],
            &["/", "/devices", "/var/lib/docker", "/var/lib/docker/", "/run", "x/dev"],
        ),
        (
            r"^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
            &[
                "Udp_InErrors",
                "Icmp6_InErrs",
                "Ip6_InOctets",
                "IpExt_OutOctets",
                "TcpExt_ListenDrops",
            ],
            &["Ip_InOctets", "Tcp_InSegsX", "Ip_Forwarding2", "", "TcpExt_TW"],
        ),
        (r"^(oom_kill|pgpg|pswp|pg.*fault).*", &["oom_kill", "pgpgin", "pgmajfault"], &["pgfree"]),
        (r"^$", &[""], &["a", "\n"]),
        ("", &["", "a"], &[]),
    ];
    for (pattern, matching, others) in CASES {
        let regex = Regex::new(pattern).unwrap_or_else(|e| panic!("{e}"));
        for text in *matching {
            assert!(regex.is_match(text.as_bytes()), "{pattern} should match {text:?}");
        }
        for text in *others {
            assert!(!regex.is_match(text.as_bytes()), "{pattern} should not match {text:?}");
        }
    }
}
