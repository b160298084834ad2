//! What a connection decides: the next step, what it waits for, and why it closes.

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer closed it between two requests.
    PeerFinished,
    /// The peer closed or reset it within a request or an answer.
    PeerAborted,
    /// The peer asked for it: `Connection: close`, or HTTP/1.0 without `keep-alive`.
    PeerAsked,
    /// The end of an HTTP/1.0 answer of unknown length can be told in no other way.
    BodyUntilClose,
    /// A request was refused; where the next one would begin is not certain.
    Refused,
    /// No request came in time.
    Idle,
    /// The peer took nothing of an answer for too long.
    Stalled,
    /// It was the longest idle one when another one came and there was no room.
    Evicted,
    /// The server stops.
    Stopping,
}

/// What the owner of the socket has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Wait for bytes from the peer.
    Read,
    /// Write [`Connection::unsent`] and say how much went with [`Connection::wrote`].
    Write,
    /// Wait until the body may have more to send.
    Wait,
    /// Shut down the sending side, so that the peer sees the end, and advance.
    ShutDown,
    /// Close the socket.
    Close(CloseReason),
}

/// What a connection waits for; each kind has a deadline of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// For the first byte of all.
    Fresh,
    /// For the first byte of the next request.
    Idle,
    /// For the rest of a request.
    Request,
    /// For the peer to take some of an answer.
    Stall,
    /// For the peer to close, after the last answer.
    Linger,
    /// For the body of an answer, up to a time that the body named.
    Source,
}
