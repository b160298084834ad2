//! The usual server for a library that brings none: hyper, with flate2 at its default level for
//! those who accept gzip.

use crate::peer::Peer;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread;
use tokio::net::TcpListener;
use tokio::runtime;

/// Compresses as a gzip layer does.
pub fn gzip(body: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(body).expect("a Vec takes everything");
    encoder.finish().expect("a Vec takes everything")
}

/// Serves scrapes on a thread of its own until the process ends.
pub fn serve<P: Peer + ?Sized>(peer: Box<P>) -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    listener.set_nonblocking(true).expect("it is a socket");
    let peer = Arc::new(Mutex::new(peer));
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("there can be one more runtime").block_on(async {
            let listener = TcpListener::from_std(listener).expect("the runtime has a driver");
            while let Ok((stream, _)) = listener.accept().await {
                let peer = Arc::clone(&peer);
                stream.set_nodelay(true).expect("it is a TCP socket");
                let service = service_fn(move |request| {
                    let response = answer(&request, &peer);
                    async { Ok::<_, Infallible>(response) }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::task::spawn(connection);
            }
        });
    });
    address
}

fn answer<P: Peer + ?Sized>(
    request: &Request<Incoming>,
    peer: &Mutex<Box<P>>,
) -> Response<Full<Bytes>> {
    let accepts_gzip =
        request.headers().get(ACCEPT_ENCODING).is_some_and(|value| value.as_bytes() == b"gzip");
    let body = peer.lock().expect("encoding does not panic").scrape();
    let response = Response::builder().header(CONTENT_TYPE, "text/plain; version=0.0.4");
    let response = if accepts_gzip {
        let body = gzip(&body, Compression::default().level());
        response.header(CONTENT_ENCODING, "gzip").body(body.into())
    } else {
        response.body(body.into())
    };
    response.expect("the fields are legal")
}
