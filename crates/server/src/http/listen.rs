//! Accepts connections, serves them, and lets them end in peace.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, header};
use bosbase_certificates::Certificates;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::state::Lifecycle;

/// How long a client may take to send its request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// While draining, how long connections are still taken and served, each answer with `Connection: close`, so that
/// clients that keep theirs alive learn to open a new one rather than find the old one gone.
const CLOSE_NOTICE: Duration = Duration::from_millis(150);
/// While draining, how long a connection that was accepted and has asked nothing yet may take to ask. It would take
/// being closed for a failed request, where one that waits in the socket's queue only sees a slow answer.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
/// The longest head of a request, and what is read ahead of a body, in bytes.
const LONGEST_HEAD: usize = 128 << 10;

/// Serves `router` on `listener` until `lifecycle` drains, then lets requests that are under way end for as long as its
/// patience lasts. The listening socket itself stays open: it belongs to the caller, and so do the connections that
/// wait in it. With `certificates` clients speak TLS.
pub async fn serve(
    listener: Arc<TcpListener>,
    router: Router,
    lifecycle: Arc<Lifecycle>,
    certificates: Option<Certificates>,
) {
    let connections = GracefulShutdown::new();
    let mut server = hyper::server::conn::http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        // A head that never ends keeps as much until its time is over.
        .max_buf_size(LONGEST_HEAD);
    let silent = Arc::new(Silent::default());
    let mut given_notice = pin!(async {
        lifecycle.drained().await;
        tokio::time::sleep(CLOSE_NOTICE).await;
    });
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, or a connection that died while it waited: neither is ours to die of.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut given_notice => break,
        };
        let _ = stream.set_nodelay(true);
        let service = service(router.clone(), peer, lifecycle.clone(), silent.enter());
        let (server, watcher, certificates) = (server.clone(), connections.watcher(), certificates.clone());
        tokio::spawn(async move {
            let ended = match certificates {
                None => {
                    watcher
                        .watch(server.serve_connection(TokioIo::new(stream), service))
                        .await
                }
                Some(certificates) => match certificates.accept(stream).await {
                    Ok(Some(stream)) => {
                        watcher
                            .watch(server.serve_connection(TokioIo::new(stream), service))
                            .await
                    }
                    Ok(None) => Ok(()),
                    Err(error) => {
                        tracing::debug!(%error, %peer, "no TLS connection");
                        Ok(())
                    }
                },
            };
            if let Err(error) = ended {
                tracing::debug!(%error, %peer, "connection ended early");
            }
        });
    }
    silent.wait(FIRST_REQUEST).await;
    let patience = lifecycle.patience();
    if tokio::time::timeout(patience, connections.shutdown()).await.is_err() {
        tracing::warn!(
            seconds = patience.as_secs(),
            "some requests did not end in time and were cut off"
        );
    }
}

fn service(
    router: Router,
    peer: SocketAddr,
    lifecycle: Arc<Lifecycle>,
    silence: Silence,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = Infallible,
    Future = impl Future<Output = Result<axum::response::Response, Infallible>> + Send,
> + Send {
    hyper::service::service_fn(move |request: Request<Incoming>| {
        silence.end();
        let router = router.clone();
        let lifecycle = lifecycle.clone();
        async move {
            let mut request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let mut response = router.oneshot(request).await?;
            if lifecycle.is_draining() {
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        }
    })
}

/// Counts the connections that have asked nothing yet.
#[derive(Debug, Default)]
struct Silent(AtomicUsize);

impl Silent {
    fn enter(self: &Arc<Self>) -> Silence {
        self.0.fetch_add(1, Ordering::SeqCst);
        Silence {
            all: self.clone(),
            ended: AtomicBool::new(false),
        }
    }

    /// Waits until each has asked or gone, at the most for `patience`.
    async fn wait(&self, patience: Duration) {
        let begun = Instant::now();
        while self.0.load(Ordering::SeqCst) > 0 && begun.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// One connection's silence; it ends with its first request, or with the connection.
#[derive(Debug)]
struct Silence {
    all: Arc<Silent>,
    ended: AtomicBool,
}

impl Silence {
    fn end(&self) {
        if !self.ended.swap(true, Ordering::SeqCst) {
            self.all.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.end();
    }
}
