//! `bosbase serve`: from an address to a running server, and from its end to an exit or a fresh process.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use bosbase_app::{App, crons};
use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use super::args::{Global, Serve};
use super::output::say;
use crate::http::listen;
use crate::http::router::router;
use crate::http::state::{AppState, Lifecycle};
use crate::restart;

/// How long requests may go on after the server was told to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long they may keep new ones waiting when it restarts.
const RESTART_PATIENCE: Duration = Duration::from_secs(5);

/// How long a server waits for a command that has the data directory to itself while it opens it.
const TENANCY_PATIENCE: Duration = Duration::from_secs(3);
/// The same for one that restarts: it finishes a restore or finds one that a command is finishing, and its clients wait.
const RESTART_TENANCY_PATIENCE: Duration = Duration::from_secs(120);

/// Why the server ended.
enum End {
    Stop,
    Restart,
}

/// Serves until it is told to stop. Does not return after a restore: the process becomes a new one.
pub fn run(global: &Global, serve: &Serve) -> Result<(), Failure> {
    start_logging(global.dev);
    let inherited = restart::inherited_listener()
        .map_err(|error| Failure(format!("The inherited socket is unusable: {error}.")))?;
    let patience = match inherited {
        Some(_) => RESTART_TENANCY_PATIENCE,
        None => TENANCY_PATIENCE,
    };
    // Before anything is touched: who can't listen must not upgrade or recover a data directory either.
    let socket = match inherited {
        Some(socket) => socket,
        None => std::net::TcpListener::bind(&serve.http).map_err(|error| {
            Failure(format!(
                "Can't listen on {}: {error}. Choose another address with --http HOST:PORT.",
                serve.http
            ))
        })?,
    };
    socket
        .set_nonblocking(true)
        .map_err(|error| Failure(format!("Can't use the socket: {error}.")))?;
    let (app, tenancy) = bosbase_app::jobs::open_to_serve(&global.options()?, patience)?;
    provision(&app)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure(format!("Can't start the server's threads: {error}.")))?;
    let ticker = crons::start(app.clone(), crons::SystemClock)
        .map_err(|error| Failure(format!("Can't start the recurring jobs: {error}.")))?;
    let alarms = app
        .start_alarms()
        .map_err(|error| Failure(format!("Can't start the alarms: {error}.")))?;
    let (end, listener) = runtime.block_on(serve_app(app.clone(), socket, serve))?;
    drop(ticker);
    drop(alarms);
    // Not for data that is about to be replaced, while clients wait.
    if matches!(end, End::Stop)
        && let Err(error) = app.optimize()
    {
        tracing::warn!(
            error = error.with_causes(),
            "the databases' statistics could not be refreshed"
        );
    }
    let closed = app.close();
    // The next process, ours or another, can have the data directory from here on.
    drop(tenancy);
    // Dropped, it would wait for what still talks to somebody who does not answer.
    runtime.shutdown_background();
    match end {
        End::Stop => Ok(closed?),
        End::Restart => {
            // The data is whole in any case, and only the next process can finish the restore.
            if let Err(error) = closed {
                tracing::error!(
                    error = error.with_causes(),
                    "the databases could not be closed in order"
                );
            }
            let error = restart::reexecute(&listener);
            Err(Failure(format!(
                "The server stopped to restart and could not execute itself again: {error}. Start it by hand."
            )))
        }
    }
}

async fn serve_app(app: App, socket: std::net::TcpListener, serve: &Serve) -> Result<(End, Arc<TcpListener>), Failure> {
    let listener =
        Arc::new(TcpListener::from_std(socket).map_err(|error| Failure(format!("Can't use the socket: {error}.")))?);
    let lifecycle = Arc::new(Lifecycle::default());
    let state = AppState::new(app.clone(), lifecycle.clone());
    let address = listener
        .local_addr()
        .map_or_else(|_| serve.http.clone(), |address| address.to_string());
    // Before anything is answered: whoever saw an answer can have it end in order.
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| Failure(error.to_string()))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| Failure(error.to_string()))?;
    greet(&app, &address)?;
    let running = tokio::spawn(listen::serve(
        listener.clone(),
        router(state, &serve.origins),
        lifecycle.clone(),
    ));
    let mut restart = app.jobs().restart_wanted();
    let end = tokio::select! {
        _ = terminate.recv() => End::Stop,
        _ = interrupt.recv() => End::Stop,
        () = restart.wanted() => End::Restart,
    };
    tracing::info!(restart = matches!(end, End::Restart), "draining");
    app.end_crons();
    lifecycle.drain(match end {
        End::Stop => PATIENCE,
        End::Restart => RESTART_PATIENCE,
    });
    running
        .await
        .map_err(|error| Failure(format!("The server failed: {error}.")))?;
    // Who told it to stop while it drained for a restart means it; the next start finishes the restore.
    let told = terminate.recv().now_or_never().is_some() || interrupt.recv().now_or_never().is_some();
    Ok((if told { End::Stop } else { end }, listener))
}

/// Makes the first superuser of an unattended installation from the environment. Where there is one already, nothing is
/// changed: a password that was changed since must not fall back at the next start.
fn provision(app: &App) -> Result<(), Failure> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(email), Some(password)) = (
        variable("BOSBASE_SUPERUSER_EMAIL"),
        variable("BOSBASE_SUPERUSER_PASSWORD"),
    ) else {
        return Ok(());
    };
    if !app.has_superuser()? {
        app.create_superuser(&email, &password)?;
    }
    Ok(())
}

fn greet(app: &App, address: &str) -> Result<(), Failure> {
    say(&format!("Server started at http://{address}"));
    say(&format!("├─ REST API:  http://{address}/api/"));
    say(&format!("└─ Data:      {}", app.data_dir().display()));
    if !app.has_superuser()? {
        say("");
        say("There is no superuser yet. Create one, in another terminal:");
        let program = std::env::args().next().unwrap_or_else(|| "bosbase".to_owned());
        say(&format!(
            "  {program} superuser upsert EMAIL PASSWORD --dir {}",
            app.data_dir().display()
        ));
    }
    Ok(())
}

fn start_logging(dev: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("BOSBASE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(if dev { "debug" } else { "info" }));
    // A second call would be a programming error in a test, not in the binary.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}
