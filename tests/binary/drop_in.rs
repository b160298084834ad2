//! Command lines of node_exporter, as packages, charts, roles and compose files have them.

use std::process::{Command, Output, Stdio};

use promlet::collector::COLLECTORS;
use promlet::config::LACKING;

use crate::support::process::{Promlet, binary};
use crate::support::temp::TempDir;

/// One scrape by this command line, which opens no port that it names.
fn once(words: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(words).args(["--once", "--log.level=error"]).stdin(Stdio::null());
    command.output().expect("it can be started")
}

#[track_caller]
fn assert_starts(words: &[&str]) {
    let output = once(words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*said), (Some(0), ""), "{words:?}");
}

/// Where each is from, and its words.
#[rustfmt::skip]
const COMMAND_LINES: &[(&str, &[&str])] = &[
    ("Debian, unchanged", &[]),
    ("Debian, /etc/default with the flags that it explains", &[
        r"--collector.diskstats.device-exclude=^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
        "--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+)($|/)",
        "--collector.textfile.directory=/var/lib/prometheus/node-exporter",
        "--collector.vmstat.fields=^(oom_kill|pgpg|pswp|pg.*fault).*",
        "--web.listen-address=:9100",
    ]),
    ("chart prometheus-node-exporter", &[
        "--path.procfs=/host/proc", "--path.sysfs=/host/sys", "--path.rootfs=/host/root",
        "--path.udev.data=/host/root/run/udev/data", "--web.listen-address=[0.0.0.0]:9100",
    ]),
    ("chart kube-prometheus-stack", &[
        "--path.procfs=/host/proc", "--path.sysfs=/host/sys", "--path.rootfs=/host/root",
        "--path.udev.data=/host/root/run/udev/data", "--web.listen-address=[0.0.0.0]:9100",
        "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|var/lib/docker/.+|var/lib/kubelet/.+)($|/)",
        "--collector.filesystem.fs-types-exclude=^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$",
    ]),
    ("an older chart", &[
        "--path.procfs=/host/proc", "--path.sysfs=/host/sys",
        "--collector.filesystem.ignored-mount-points=^/(dev|proc|sys|var/lib/docker/.+)($|/)",
        "--collector.filesystem.ignored-fs-types=^(autofs|binfmt_misc|cgroup|configfs|debugfs|proc|sysfs|tracefs)$",
    ]),
    ("kube-prometheus", &[
        "--web.listen-address=127.0.0.1:9100", "--path.sysfs=/host/sys", "--path.rootfs=/host/root",
        "--path.udev.data=/host/root/run/udev/data", "--no-collector.wifi", "--no-collector.hwmon",
        "--no-collector.btrfs",
        "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run/k3s/containerd/.+|var/lib/docker/.+|var/lib/kubelet/pods/.+)($|/)",
        "--collector.netclass.ignored-devices=^(veth.*|[a-f0-9]{15})$",
        "--collector.netdev.device-exclude=^(veth.*|[a-f0-9]{15})$",
    ]),
    ("docker compose", &[
        "--path.procfs=/host/proc", "--path.rootfs=/rootfs", "--path.sysfs=/host/sys",
        "--collector.filesystem.mount-points-exclude=^/(sys|proc|dev|host|etc)($|/)",
    ]),
    ("docker run", &["--path.rootfs=/host"]),
    ("Ansible role of prometheus.prometheus", &[
        "--collector.textfile", "--collector.textfile.directory=/var/lib/node_exporter",
        "--no-collector.systemd", "--no-collector.mdadm",
        "--web.listen-address=0.0.0.0:9100", "--web.telemetry-path=/metrics",
    ]),
    ("NixOS", &[
        "--no-collector.wifi", "--collector.processes", "--collector.interrupts",
        "--web.listen-address", "0.0.0.0:9100",
    ]),
    ("only what is wanted", &[
        "--collector.disable-defaults", "--collector.cpu", "--collector.meminfo",
        "--collector.loadavg", "--collector.filesystem", "--collector.diskstats",
        "--collector.netdev", "--collector.uname", "--web.disable-exporter-metrics",
    ]),
    ("all of the web and the log", &[
        "--web.listen-address=:9100", "--web.listen-address=localhost:9100", "--web.telemetry-path=/m",
        "--web.max-requests=0", "--web.disable-exporter-metrics", "--no-web.systemd-socket",
        "--web.config.file=", "--runtime.gomaxprocs=4", "--log.format=json",
    ]),
    ("--no- of switches", &[
        "--no-web.disable-exporter-metrics", "--no-collector.disable-defaults",
        "--no-collector.cpu.info", "--no-collector.netdev.address-info",
    ]),
    ("interfaces by old names", &[
        "--collector.netdev.device-blacklist=^(veth|br-).*", "--collector.netstat.fields=.*",
        "--collector.diskstats.ignored-devices=^(ram|loop|fd)\\d+$",
    ]),
];

#[test]
fn command_lines_of_node_exporter_start() {
    for (_, words) in COMMAND_LINES {
        assert_starts(words);
    }
}

#[test]
fn each_collector_of_node_exporter_can_be_turned_off() {
    let lacking = LACKING.iter().map(|row| row.name);
    let names = COLLECTORS.iter().map(|row| row.name).chain(lacking);
    let words: Vec<String> = names.map(|name| format!("--no-collector.{name}")).collect();
    assert_starts(&words.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_collector_that_is_lacking_is_named_and_exit_2() {
    let output = once(&["--collector.systemd", "--collector.textfile"]);
    assert_eq!(output.status.code(), Some(2));
    let expected = "promlet: unsupported: --collector.systemd: promlet does not have units of \
                    systemd, asked over D-Bus\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
}

#[test]
fn flags_come_out_of_files_too() {
    let folder = TempDir::new("arguments");
    let path = folder.path().join("flags");
    std::fs::write(&path, "# of this host\n--collector.disable-defaults\n--collector.loadavg\n")
        .expect("a file");
    let output = once(&[&format!("@{}", path.display())]);
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(page.contains("node_load1 ") && !page.contains("node_memory_"), "{output:?}");
    assert_eq!(once(&["@/nonexistent"]).status.code(), Some(2));
}

#[test]
fn a_web_configuration_is_refused_unless_it_is_empty() {
    let folder = TempDir::new("web-config");
    let path = folder.path().join("web.yml");
    let flag = format!("--web.config.file={}", path.display());
    let write = |text: &str| std::fs::write(&path, text).expect("a file");
    write("---\n# nothing yet\n\n");
    assert_starts(&[&flag]);
    write("# TLS\ntls_server_config:\n  cert_file: node.crt\n");
    let output = once(&[&flag]);
    assert_eq!(output.status.code(), Some(2));
    let expected = format!(
        "promlet: conflict: --web.config.file: \"{}\" asks for TLS or passwords, which promlet \
         does not have; put a proxy in front\n",
        path.display()
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    assert_eq!(once(&["--web.config.file=/nonexistent"]).status.code(), Some(1));
}

#[test]
fn queries_of_node_exporter_are_answered() {
    let promlet = Promlet::start(&["--path.rootfs=/", "--no-collector.systemd"]);
    let some = promlet.get("/metrics?collect[]=loadavg&collect[]=uname");
    assert!(some.text().contains("node_load1 ") && !some.text().contains("node_memory_"));
    let others = promlet.get("/metrics?exclude[]=meminfo&exclude[]=systemd");
    assert!(others.text().contains("node_load1 ") && !others.text().contains("node_memory_"));
    assert_eq!(promlet.get("/metrics?collect[]=systemd").status, 400);
    assert_eq!(promlet.get("/").status, 200);
}
