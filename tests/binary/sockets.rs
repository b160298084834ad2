//! Where it listens.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use crate::read;
use crate::support::client::Client;
use crate::support::process::{Process, Promlet, binary};
use crate::support::temp::TempDir;
use crate::support::{poll, skip};

fn start(args: &[&str]) -> Process {
    Process::spawn(Command::new(binary()).args(args))
}

/// What follows `address=` on the next line that says that it listens.
fn next_address(process: &mut Process) -> String {
    process.wait_for_line(|line| {
        let rest = line.split_once("msg=\"listening\" address=")?.1;
        Some(rest.split(' ').next().unwrap_or_default().trim_matches('"').to_owned())
    })
}

fn connect(address: &str) -> Client {
    let address: SocketAddr = address.parse().expect("it is an address");
    Client::connect(address).expect("it listens")
}

#[test]
fn a_unix_socket_is_served_and_removed_in_the_end() {
    let folder = TempDir::new("unix");
    let path = folder.path().join("promlet.sock");
    let address = format!("unix:{}", path.display());
    let mut process = start(&["--web.listen-address", &address]);
    assert_eq!(next_address(&mut process), address);
    let mut client = Client::connect_unix(&path).expect("it listens");
    read(&client.get("/metrics").expect("it answers"));

    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_unix_socket_that_was_left_behind_is_replaced() {
    let folder = TempDir::new("stale");
    let path = folder.path().join("promlet.sock");
    let address = format!("--web.listen-address=unix:{}", path.display());
    let mut killed = start(&[&address]);
    next_address(&mut killed);
    killed.signal("KILL");
    killed.wait();
    assert!(path.exists());
    let mut process = start(&[&address]);
    next_address(&mut process);
    let mut client = Client::connect_unix(&path).expect("it listens");
    assert_eq!(client.get("/-/ready").expect("it answers").status, 200);
}

#[test]
fn several_addresses_are_served_at_once() {
    let mut process =
        start(&["--web.listen-address=127.0.0.1:0", "--web.listen-address=localhost:0"]);
    let addresses = [next_address(&mut process), next_address(&mut process)];
    assert_ne!(addresses[0], addresses[1]);
    for address in &addresses {
        read(&connect(address).get("/metrics").expect("it answers"));
    }
}

#[test]
fn ipv6_is_served() {
    if TcpListener::bind("[::1]:0").is_err() {
        return skip("there is no IPv6 here", "PROMLET_REQUIRE_IPV6");
    }
    let mut process = start(&["--web.listen-address=[::1]:0"]);
    let address = next_address(&mut process);
    assert!(address.starts_with("[::1]:"), "{address}");
    read(&connect(&address).get("/metrics").expect("it answers"));
}

#[test]
fn a_port_alone_is_every_address() {
    let mut process = start(&["--web.listen-address=:0"]);
    let address: SocketAddr = next_address(&mut process).parse().expect("it is an address");
    assert!(address.ip().is_unspecified());
    let loopback = format!("127.0.0.1:{}", address.port());
    read(&connect(&loopback).get("/metrics").expect("it answers over IPv4"));
}

/// Starts it as systemd does, with a listening socket at descriptor 3.
fn start_with(listener: TcpListener, args: &[&str]) -> Process {
    let script = "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$; \
                  export LISTEN_FDS LISTEN_PID; exec \"$0\" \"$@\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).arg(binary()).args(args);
    Process::spawn_with_input(&mut command, Stdio::from(OwnedFd::from(listener)))
}

#[test]
fn a_socket_that_was_handed_over_takes_the_place_of_the_default() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are ports");
    let expected = listener.local_addr().expect("it has one").to_string();
    let mut process = start_with(listener, &[]);
    assert_eq!(next_address(&mut process), expected);
    read(&connect(&expected).get("/metrics").expect("it answers"));
    let said = process.output().iter().filter(|line| line.contains("listening")).count();
    assert_eq!(said, 1, "and of nothing else: {:?}", process.output());
}

#[test]
fn a_socket_that_was_handed_over_stands_beside_those_of_flags() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are ports");
    let expected = listener.local_addr().expect("it has one").to_string();
    let mut process = start_with(listener, &["--web.listen-address=127.0.0.1:0"]);
    assert_eq!(next_address(&mut process), expected);
    let other = next_address(&mut process);
    for address in [expected, other] {
        assert_eq!(connect(&address).get("/-/ready").expect("it answers").status, 200);
    }
}

#[test]
fn a_socket_of_systemd_stands_alone_where_it_is_asked_for() {
    const FLAG: &str = "--web.systemd-socket";
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are ports");
    let expected = listener.local_addr().expect("it has one").to_string();
    let mut process = start_with(listener, &[FLAG, "--web.listen-address=127.0.0.1:0"]);
    assert_eq!(next_address(&mut process), expected);
    read(&connect(&expected).get("/metrics").expect("it answers"));
    let said = process.output().iter().filter(|line| line.contains("listening")).count();
    assert_eq!(said, 1, "and of nothing else: {:?}", process.output());

    let mut alone = start(&[FLAG]);
    assert_eq!(alone.wait().code(), Some(1));
    let expected = "promlet: --web.systemd-socket: systemd has handed over no socket";
    assert_eq!(alone.output(), [expected]);
}

#[test]
fn a_taken_port_is_one_clear_line_and_exit_1() {
    let first = Promlet::start(&[]);
    let mut second = start(&[&format!("--web.listen-address={}", first.address)]);
    assert_eq!(second.wait().code(), Some(1));
    let expected = format!("promlet: cannot listen on {}: address already in use", first.address);
    assert_eq!(second.output(), [expected]);
}

#[test]
fn what_keeps_it_from_serving_is_said_before_it_says_that_it_listens() {
    // Three standard descriptors, one for the log, two to wait for signals with, a socket that
    // listens, one to wake the loop; none to wait with.
    let words = "ulimit -n 8; exec \"$0\" --web.listen-address=127.0.0.1:0";
    let mut process = Process::spawn(Command::new("/bin/sh").args(["-c", words]).arg(binary()));
    assert_eq!(process.wait().code(), Some(1));
    assert_eq!(process.output(), ["promlet: cannot serve: too many open files"]);
}

#[test]
fn nothing_of_its_outputs_needs_to_be_open() {
    let folder = TempDir::new("closed");
    let path = folder.path().join("promlet.sock");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"]).arg(binary());
    command.arg(format!("--web.listen-address=unix:{}", path.display()));
    let _process = Process::spawn(&mut command);
    let mut client = poll("its socket", || Client::connect_unix(&path).ok());
    for _ in 0..2 {
        read(&client.get("/metrics").expect("it answers"));
    }
}
