//! The socket: HTTP/1.1 on 127.0.0.1, requests read whole, replies from the cloud behind it. It knows no service.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::cloud::{Answer, Cloud};
use super::wire::{Reply, Request};

/// The largest request body, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// A socket that listens and is not served yet.
pub(super) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

/// A server; it stops when it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(super) async fn bind(port: u16) -> std::io::Result<Listening> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Listening { listener, address })
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Listening {
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves the cloud until the server is dropped.
    pub(super) fn serve(self, cloud: Arc<Cloud>) -> Server {
        let Self { listener, address } = self;
        let accepting = tokio::spawn(async move {
            // The connections go with the server.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let cloud = Arc::clone(&cloud);
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&cloud), request));
                    // A connection that ends badly is the client's to notice.
                    drop(
                        hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Server { address, accepting }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped")]
struct Dropped;

async fn answer(cloud: Arc<Cloud>, request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, Dropped> {
    let Ok(request) = read(request).await else { return Err(Dropped) };
    match cloud.answer(&request).await {
        Answer::Reply(reply) => Ok(response(reply, request.method == "HEAD")),
        Answer::Drop => Err(Dropped),
        // The client is dead; its end of the connection closes this one.
        Answer::Silence => std::future::pending().await,
    }
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await?.to_bytes().to_vec();
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let query = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let query =
        query.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(name, value)| (decode(name), decode(value)));
    let is_chunked = head
        .headers
        .get("content-encoding")
        .is_some_and(|value| value.to_str().is_ok_and(|text| text.contains("aws-chunked")));
    Ok(Request {
        method: head.method.to_string(),
        path: decode(head.uri.path()),
        query: query.collect(),
        headers: head.headers,
        body: if is_chunked { unwrap_chunks(&body) } else { body },
    })
}

/// The payload of an `aws-chunked` body (Amazon S3 API reference, "Signature calculations: transferring payload in multiple chunks").
fn unwrap_chunks(mut body: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    while let Some(end) = body.windows(2).position(|pair| pair == b"\r\n") {
        let header = String::from_utf8_lossy(&body[..end]).into_owned();
        let size = usize::from_str_radix(header.split(';').next().unwrap_or_default(), 16).unwrap_or(0);
        let start = end + 2;
        let Some(chunk) = body.get(start..start + size).filter(|chunk| !chunk.is_empty()) else { break };
        payload.extend_from_slice(chunk);
        body = body.get(start + size + 2..).unwrap_or_default();
    }
    payload
}

fn response(reply: Reply, is_head: bool) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::new(Bytes::from(if is_head { Vec::new() } else { reply.body })));
    *response.status_mut() =
        hyper::StatusCode::from_u16(reply.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
