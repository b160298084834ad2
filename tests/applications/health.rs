//! Health checks: what they ask, what follows, and who waits for them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;

use crate::{Managed, field};

#[test]
fn a_command_decides_and_others_wait_for_it() {
    let mut managed = Managed::start(
        "
        [app needs]
        command = sleep 1000
        after = checked
        [app checked]
        command = sleep 1000
        health-check = command test -e FOLDER/ok
        health-interval = 20ms
        health-threshold = 2
        health-start-period = 0s
        ",
    );
    managed.expect_log("application is unhealthy", "checked");
    assert!(!managed.process.output().iter().any(|line| line.contains("application=needs")));
    std::fs::write(managed.file("ok"), "").expect("it is the test's own");
    managed.expect_log("application is healthy", "checked");
    managed.expect_start("needs");
    std::fs::remove_file(managed.file("ok")).expect("it is the test's own");
    let line = managed.expect_log("application is unhealthy", "checked");
    assert!(line.contains("the command ended with exit status: 1"), "{line}");
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn who_is_unhealthy_is_restarted_where_asked_so() {
    let mut managed = Managed::start(
        "
        [app sick]
        command = sleep 1000
        health-check = command sleep 1000
        health-interval = 10ms
        health-timeout = 20ms
        health-threshold = 1
        health-start-period = 0s
        health-action = restart
        backoff-initial = 1ms
        restart = on-failure
        restart-limit = 2 in 1m
        ",
    );
    let line = managed.expect_log("application is unhealthy", "sick");
    assert!(line.contains("it took too long"), "{line}");
    managed.expect_log("application has ended too often and is given up", "sick");
    assert_eq!(managed.process.wait().code(), Some(143));
}

/// A server on loopback that gives these answers, one a connection, and sends what it was asked.
fn server(answers: Vec<&'static [u8]>) -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let port = listener.local_addr().expect("it has an address").port();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let _nobody_listens = stream.write_all(answer);
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let _nobody_listens = sender.send(text);
        }
    });
    (port, requests)
}

#[test]
fn http_is_asked_for_its_status() {
    let (port, requests) = server(vec![
        b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ]);
    let mut managed = Managed::start(&format!(
        "
        [app web]
        command = sleep 1000
        health-check = http {port} /healthz
        health-interval = 20ms
        health-threshold = 1
        health-start-period = 0s
        "
    ));
    let line = managed.expect_log("application is unhealthy", "web");
    assert!(line.contains("it answers with status 503"), "{line}");
    managed.expect_log("application is healthy", "web");
    let line = managed.expect_log("application is unhealthy", "web");
    assert_eq!(field(&line, "error"), "\"connection", "refused: the server has gone");
    let request = requests.recv().expect("a request");
    assert!(request.starts_with("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn tcp_is_healthy_while_somebody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("it has an address");
    let mut managed = Managed::start(&format!(
        "
        [app db]
        command = sleep 1000
        health-check = tcp {address}
        health-interval = 20ms
        health-threshold = 2
        "
    ));
    managed.expect_log("application is healthy", "db");
    drop(listener);
    managed.expect_log("application is unhealthy", "db");
    assert_eq!(managed.stop().code(), Some(0));
}
