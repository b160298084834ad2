//! What needs a process of its own: few descriptors, and sockets that were handed over.
//!
//! The process is this test binary, run again in a role: an ignored test, picked by its name.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Instant;

use crate::client::{Client, Event, Pages, serve};
use promlet::http::{Limits, ListenAddress, Listener, Server};

/// Fewer descriptors than clients; enough for a test binary to start with.
const FDS_MAX: usize = 32;

/// This binary in a role, started by a shell that runs `prepare` first and then becomes it.
struct Role {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Role {
    fn start(name: &str, prepare: &str, stdin: Stdio) -> Role {
        let mut child = Command::new("/bin/sh")
            .args(["-c", &format!("{prepare}; exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
            .stdin(stdin)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Role { child, lines }
    }

    /// What follows `start` on the next line that has it.
    fn line(&mut self, start: &str) -> String {
        let mut lines = self.lines.by_ref().map(|line| line.unwrap());
        lines.find_map(|line| Some(line.split_once(start)?.1.to_owned())).expect("its line")
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // It may have ended by itself, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints a line for the test that started this process.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\n{line}").unwrap();
    stdout.flush().unwrap();
}

#[test]
#[ignore = "a role, started by running_out_of_descriptors_is_survived"]
fn role_with_few_descriptors() {
    let (sender, events) = channel();
    let (_handle, address) = serve(Pages::new(sender), Limits::default());
    say(&format!("listening on {address}"));
    for event in events {
        if let Event::AcceptFailed(errno) = event {
            say(&format!("accept failed: {errno:?}"));
        }
    }
}

#[test]
fn running_out_of_descriptors_is_survived() {
    let limit = format!("ulimit -n {FDS_MAX}");
    let mut role = Role::start("process::role_with_few_descriptors", &limit, Stdio::null());
    let address: SocketAddr = role.line("listening on ").parse().unwrap();
    let start = Instant::now();
    // Each owes the rest of its request, so none is idle and makes room.
    let connect = |_| {
        let mut client = Client::connect(address);
        client.send("GET /hel");
        client
    };
    let mut clients: Vec<_> = (0..2 * FDS_MAX).map(connect).collect();
    for failures in 1..=3 {
        assert_eq!(role.line("accept failed: "), "Some(24)");
        let pauses = start.elapsed().as_millis() / 100;
        assert!(failures <= pauses + 1, "it tries again after a pause, not in a busy loop");
    }
    clients[0].send("lo HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(clients[0].answer().code, 200, "those that are connected are served meanwhile");
    drop(clients);
    assert_eq!(Client::connect(address).get("/hello").code, 200, "it recovers");
}

#[test]
#[ignore = "a role, started by handed_over_sockets_are_served"]
fn role_with_a_handed_over_socket() {
    let listeners = Listener::inherited().unwrap();
    assert_eq!(listeners.len(), 1);
    assert!(Listener::inherited().unwrap().is_empty(), "they have one owner");
    let server = Server::with_listeners(listeners, Limits::default()).unwrap();
    let ListenAddress::Tcp(address) = server.local_addresses()[0] else { panic!() };
    say(&format!("listening on {address}"));
    server.run(Pages::new(channel().0)).unwrap();
}

#[test]
fn handed_over_sockets_are_served() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stdin = Stdio::from(OwnedFd::from(listener));
    let prepare = "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$; export LISTEN_FDS LISTEN_PID";
    let mut role = Role::start("process::role_with_a_handed_over_socket", prepare, stdin);
    assert_eq!(role.line("listening on "), address.to_string());
    assert_eq!(Client::connect(address).get("/hello").code, 200);
}
