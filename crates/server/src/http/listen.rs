//! Accepts connections, serves them, and lets them end in peace.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::state::Lifecycle;

/// How long a client may take to send its request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// While draining, how long connections are still accepted and answered with `Connection: close`, so that clients that
/// keep theirs alive learn to open a new one rather than find the old one gone.
const CLOSE_NOTICE: Duration = Duration::from_millis(150);

/// Serves `router` on `listener` until `lifecycle` drains, then lets requests that are under way end for as long as its
/// patience lasts. The listening socket itself stays open: it belongs to the caller, and so do the connections that wait in it.
pub async fn serve(listener: Arc<TcpListener>, router: Router, lifecycle: Arc<Lifecycle>) {
    let connections = GracefulShutdown::new();
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let ending = async {
        lifecycle.drained().await;
        tokio::time::sleep(CLOSE_NOTICE).await;
    };
    tokio::pin!(ending);
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
            () = &mut ending => break,
        };
        let _ = stream.set_nodelay(true);
        let service = service(router.clone(), peer, lifecycle.clone());
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let watched = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, %peer, "connection ended early");
            }
        });
    }
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
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = Infallible,
    Future = impl Future<Output = Result<axum::response::Response, Infallible>> + Send,
> + Send {
    hyper::service::service_fn(move |request: Request<Incoming>| {
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
