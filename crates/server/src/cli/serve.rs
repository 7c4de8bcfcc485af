//! `bosbase serve`: from an address to a running server, and from its end to an exit or a fresh process.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::header;
use bosbase_app::jobs::{ServeLock, require_application};
use bosbase_app::public::PublicFiles;
use bosbase_app::start::Probation;
use bosbase_app::unsupported::Programs;
use bosbase_app::{App, AppOptions, crons};
use bosbase_certificates::{Certificates, LETS_ENCRYPT, Wanted};
use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::Failure;
use super::args::Serve;
use super::environment::Variables;
use super::global::Global;
use super::hangup::Hangup;
use super::listening::{Addresses, Sockets, unusable};
use super::output::say;
use super::unsupported::{refuse_ignored, say_unsupported, warn_root};
use crate::http::cors::Origins;
use crate::http::listen;
use crate::http::router::router;
use crate::http::state::{AppState, Lifecycle, Site};
use crate::restart;
use crate::routes::plain;

/// How long requests may go on after the server was told to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);
/// How long they may keep new ones waiting when it restarts.
const RESTART_PATIENCE: Duration = Duration::from_secs(5);

/// How long a server waits for a command that has the data directory to itself while it opens it.
const SERVE_LOCK_WAIT: Duration = Duration::from_secs(3);
/// The same for one that restarts: it finishes a restore or finds one that a command is finishing, and its clients
/// wait.
const RESTART_SERVE_LOCK_WAIT: Duration = Duration::from_secs(120);

/// A start with restored data that has not come to its end by then is given up.
const LONGEST_START: Duration = Duration::from_secs(15 * 60);

/// Why the server ended.
enum End {
    Stop,
    Restart,
}

/// What a start was told, found to make sense before anything is touched: who can't listen must not upgrade or recover
/// a data directory either.
pub struct Configured {
    filter: EnvFilter,
    addresses: Addresses,
    options: AppOptions,
}

/// Why a server does not start.
pub enum Refused {
    /// What it was told makes no sense, or has to be confirmed. Another try changes nothing about that.
    Configuration(Failure),
    /// For a reason that may pass.
    Other(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Configuration(failure)
    }
}

impl From<bosbase_app::Error> for Refused {
    fn from(error: bosbase_app::Error) -> Self {
        Self::Other(error.into())
    }
}

/// Judges what a start was told.
///
/// # Errors
///
/// Where it makes no sense, or has to be confirmed, and where that can't be told.
pub fn configured(global: &Global, serve: &Serve) -> Result<Configured, Refused> {
    let filter = log_filter(global)?;
    let addresses = Addresses::of(serve, global.has_own_authority())?;
    if addresses.https.is_some() {
        global.require_authority()?;
    }
    // Where there is an application, there is likely a superuser, and the variables are not looked at.
    if require_application(&global.dir).is_err() {
        global.variables.require_superuser()?;
    }
    // A server that restarts was let through before, and clients wait for it.
    if !restart::is_restart() {
        refuse_ignored(&Programs::beside(&global.dir, &global.program_dirs())?, serve)?;
    }
    let options = AppOptions {
        rehearsal: serve.rehearsal,
        ..global.options()?
    };
    Ok(Configured {
        filter,
        addresses,
        options,
    })
}

/// Serves until it is told to stop. After a restore it does not return: the process becomes a new one.
pub fn run(global: &Global, serve: &Serve, configured: Configured) -> Result<(), Failure> {
    let Configured {
        filter,
        addresses,
        options,
    } = configured;
    start_logging(filter);
    restart::keep_name();
    let inherited = restart::inherited_listeners()
        .map_err(|error| Failure(format!("The inherited socket is unusable: {error}.")))?;
    let patience = if inherited.is_empty() {
        SERVE_LOCK_WAIT
    } else {
        RESTART_SERVE_LOCK_WAIT
    };
    let sockets = Sockets::open(&addresses, inherited)?;
    warn_root(&global.dir);
    let site = Site {
        public: global.public_files(&global.dir)?,
        origins: Origins::new(&serve.origins),
        www: addresses.www.clone(),
        metrics_token: global.variables.get("BOSBASE_METRICS_TOKEN"),
    };
    let probation = Arc::new(Probation::new(options.clone()));
    let spare = sockets.try_clone()?;
    watch_start(&probation, &spare)?;
    let prepared = prepare(global, &options, patience, sockets, &addresses, site, &probation);
    let Prepared {
        app,
        serve_lock,
        runtime,
        server,
    } = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return Err(give_way(&probation, &spare, failure)),
    };
    say_unsupported(&app, global, serve, &addresses);
    let ticker = app
        .start_crons(crons::SystemClock)
        .map_err(|error| Failure(format!("Can't start the recurring jobs: {error}.")))?;
    let alarms = if serve.rehearsal {
        None
    } else {
        let started = app.alarms().start();
        Some(started.map_err(|error| Failure(format!("Can't start the alarms: {error}.")))?)
    };
    let end = runtime.block_on(serve_app(&app, server))?;
    drop(ticker);
    drop(alarms);
    // Not for data that is about to be replaced, while clients wait.
    if matches!(end, End::Stop)
        && let Err(error) = app.store().optimize()
    {
        tracing::warn!(%error, "the databases' statistics could not be refreshed");
    }
    let closed = app.close();
    // The next process, ours or another, can have the data directory from here on.
    drop(serve_lock);
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
            let error = spare.reexecute();
            Err(Failure(format!(
                "The server stopped to restart and could not execute itself again: {error}. Start it by hand."
            )))
        }
    }
}

/// Everything that is there before the first request is taken.
struct Prepared {
    app: App,
    serve_lock: ServeLock,
    runtime: Runtime,
    server: Server,
}

/// What requests are taken and answered with.
struct Server {
    listener: Arc<TcpListener>,
    /// Where TLS is spoken: what is needed for it, and plain HTTP beside it.
    secure: Option<Secure>,
    lifecycle: Arc<Lifecycle>,
    router: Router,
    terminate: Signal,
    interrupt: Signal,
    hangup: Hangup,
}

/// What HTTPS takes.
struct Secure {
    certificates: Certificates,
    plain: Option<Arc<TcpListener>>,
    plain_router: Router,
}

/// Does everything that a start does before it serves, and then is content with the data: a restore is confirmed here.
fn prepare(
    global: &Global,
    options: &AppOptions,
    patience: Duration,
    sockets: Sockets,
    addresses: &Addresses,
    site: Site,
    probation: &Probation,
) -> Result<Prepared, Failure> {
    let app = bosbase_app::start::open_on_probation(options, patience, probation)?;
    provision(&app, &global.variables)?;
    // One more than there are cores: short reads may keep all others (`AppState::at_once`), should the disk be slow.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores + 1)
        .enable_all()
        .build()
        .map_err(|error| Failure(format!("Can't start the server's threads: {error}.")))?;
    let public = site.public.clone();
    let certificates = certificates(&app, addresses, &global.variables)?;
    let server = runtime.block_on(async {
        let server = Server::new(&app, sockets, certificates, site)?;
        if probation.is_wanted()? {
            server.ask_itself().await?;
        }
        Ok::<_, Failure>(server)
    })?;
    app.accounts().has_superuser()?;
    let serve_lock = probation.pass(&app)?;
    let port = server.listener.local_addr().map_err(unusable)?.port();
    greet(global, &app, &addresses.url(port), &public)?;
    Ok(Prepared {
        app,
        serve_lock,
        runtime,
        server,
    })
}

/// Ends a start that failed with `failure`. Where it was the first with restored data, the old data is put back, and
/// the process starts anew with it: this returns only where that is not so or fails.
fn give_way(probation: &Probation, sockets: &Sockets, failure: Failure) -> Failure {
    let reason = format!("the restored data can't be served: {}", failure.0);
    match probation.fail(&reason) {
        Ok(false) => failure,
        Ok(true) => {
            let error = sockets.reexecute();
            Failure(format!(
                "{failure} The old data is put back by the next start: the program could not execute itself again: {error}."
            ))
        }
        Err(error) => Failure(format!(
            "{failure} That the old data is to be put back could not be written down: {}",
            error.with_causes()
        )),
    }
}

/// Gives up a start with restored data that does not come to its end, for any reason.
fn watch_start(probation: &Arc<Probation>, sockets: &Sockets) -> Result<(), Failure> {
    if !probation.is_wanted()? {
        return Ok(());
    }
    let (probation, sockets) = (probation.clone(), sockets.try_clone()?);
    let watching = move || {
        let longest = longest_start();
        std::thread::sleep(longest);
        let failure = Failure(format!("The start took longer than {} seconds.", longest.as_secs()));
        let failure = give_way(&probation, &sockets, failure);
        tracing::debug!(%failure, "nobody has to be waited for any more");
    };
    let watch = std::thread::Builder::new()
        .name("start-watch".to_owned())
        .spawn(watching);
    watch
        .map(drop)
        .map_err(|error| Failure(format!("Can't watch over the start: {error}.")))
}

/// How long a start with restored data may take.
fn longest_start() -> Duration {
    #[cfg(feature = "failpoints")]
    if let Some(longest) = crate::failpoint::longest_start() {
        return longest;
    }
    LONGEST_START
}

impl Server {
    fn new(app: &App, sockets: Sockets, certificates: Option<Certificates>, site: Site) -> Result<Self, Failure> {
        let listener = TcpListener::from_std(sockets.main).map_err(unusable)?;
        let secure = match certificates {
            None => None,
            Some(certificates) => {
                let port = listener.local_addr().map_err(unusable)?.port();
                let plain = sockets.plain.map(TcpListener::from_std).transpose();
                Some(Secure {
                    plain: plain.map_err(unusable)?.map(Arc::new),
                    plain_router: plain::router(certificates.clone(), port),
                    certificates,
                })
            }
        };
        let lifecycle = Arc::new(Lifecycle::default());
        let state = AppState::new(app.clone(), lifecycle.clone(), site);
        let signals = |kind| signal(kind).map_err(|error| Failure(error.to_string()));
        Ok(Self {
            listener: Arc::new(listener),
            secure,
            router: router(state),
            lifecycle,
            // Before anything is answered: a client that saw an answer can have the server end in order.
            terminate: signals(SignalKind::terminate())?,
            interrupt: signals(SignalKind::interrupt())?,
            hangup: Hangup::listen().map_err(|error| Failure(error.to_string()))?,
        })
    }

    /// Answers a request of its own as it would answer a client's.
    async fn ask_itself(&self) -> Result<(), Failure> {
        let nobody = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 0)));
        let request = Request::builder()
            .uri("/api/health")
            .header(header::HOST, "127.0.0.1")
            .extension(nobody)
            .body(Body::empty());
        let request = request.map_err(|error| Failure(format!("The server can't ask itself: {error}.")))?;
        let answer = tokio::time::timeout(SHUTDOWN_TIMEOUT, self.router.clone().oneshot(request)).await;
        match answer {
            Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
            Ok(Ok(answer)) => Err(Failure(format!("The server answers itself with {}.", answer.status()))),
            Ok(Err(never)) => match never {},
            Err(_) => Err(Failure("The server does not answer itself.".to_owned())),
        }
    }
}

async fn serve_app(app: &App, server: Server) -> Result<End, Failure> {
    let Server {
        listener,
        secure,
        lifecycle,
        router,
        mut terminate,
        mut interrupt,
        mut hangup,
    } = server;
    let mut beside = JoinSet::new();
    let mut certificates = None;
    if let Some(secure) = secure {
        if let Some(plain) = secure.plain {
            beside.spawn(listen::serve(plain, secure.plain_router, lifecycle.clone(), None));
        }
        let kept = secure.certificates.clone();
        beside.spawn(async move { kept.keep().await });
        certificates = Some(secure.certificates);
    }
    let running = tokio::spawn(listen::serve(listener, router, lifecycle.clone(), certificates));
    let mut restart = app.jobs().restart_wanted();
    let end = tokio::select! {
        _ = terminate.recv() => End::Stop,
        _ = interrupt.recv() => End::Stop,
        // A terminal that was closed.
        () = hangup.heard() => End::Stop,
        () = restart.wanted() => End::Restart,
    };
    tracing::info!(restart = matches!(end, End::Restart), "draining");
    app.crons().end();
    lifecycle.drain(match end {
        End::Stop => SHUTDOWN_TIMEOUT,
        End::Restart => RESTART_PATIENCE,
    });
    running
        .await
        .map_err(|error| Failure(format!("The server failed: {error}.")))?;
    // Who told it to stop while it drained for a restart means it; the next start finishes the restore.
    let told = terminate.recv().now_or_never().is_some()
        || interrupt.recv().now_or_never().is_some()
        || hangup.heard().now_or_never().is_some();
    Ok(if told { End::Stop } else { end })
}

/// The certificates of the hosts that were named, where TLS is to be spoken.
fn certificates(app: &App, addresses: &Addresses, variables: &Variables) -> Result<Option<Certificates>, Failure> {
    if addresses.https.is_none() {
        return Ok(None);
    }
    let wanted = Wanted {
        hosts: [addresses.hosts.clone(), addresses.www.clone()].concat(),
        now: addresses.hosts.clone(),
        directory: variables
            .get("BOSBASE_ACME_DIRECTORY")
            .unwrap_or_else(|| LETS_ENCRYPT.to_owned()),
        root: variables.get("BOSBASE_ACME_ROOT").map(PathBuf::from),
        folder: app.data_dir().state().certificates(),
        inherited: Some(app.data_dir().join(".autocert_cache")),
    };
    let opened = Certificates::open(wanted);
    opened
        .map(Some)
        .map_err(|error| Failure(format!("The certificates can't be read: {error}.")))
}

/// Makes the first superuser of an unattended installation from the environment or the configuration file. Where there
/// is one already, nothing is changed: a password that was changed since must not fall back at the next start.
fn provision(app: &App, variables: &Variables) -> Result<(), Failure> {
    let Some((email, password)) = variables.superuser() else {
        return Ok(());
    };
    if !app.accounts().has_superuser()? {
        app.accounts().create_superuser(&email, &password)?;
    }
    Ok(())
}

fn greet(global: &Global, app: &App, url: &str, public: &PublicFiles) -> Result<(), Failure> {
    say(&format!("Server started at {url}"));
    say(&format!("├─ Dashboard: {url}/_/"));
    say(&format!("├─ REST API:  {url}/api/"));
    if public.is_there() {
        say(&format!("├─ Pages:     {}", public.folder().display()));
    }
    if let Some(file) = global.variables.file() {
        say(&format!("├─ Set by:    {}", file.display()));
    }
    say(&format!("└─ Data:      {}", app.data_dir().display()));
    if app.options().rehearsal {
        say("");
        say("This is a rehearsal: no scheduled backups, no alarms, no deletions in buckets.");
    }
    if let Some(token) = app.accounts().installer_token()? {
        say("");
        say("There is no superuser yet. Create one with this link, within half an hour:");
        say(&format!("  {url}/_/#/pbinstal/{token}"));
        say("or in another terminal:");
        let program = std::env::args().next().unwrap_or_else(|| "bosbase".to_owned());
        say(&format!(
            "  {program} superuser upsert EMAIL PASSWORD --dir {}",
            app.data_dir().display()
        ));
    }
    Ok(())
}

/// What is logged: what `BOSBASE_LOG` says, else all that people should read, in developer mode more.
///
/// # Errors
///
/// Where it says what can't be read.
pub fn log_filter(global: &Global) -> Result<EnvFilter, Failure> {
    match global.variables.get("BOSBASE_LOG") {
        None => Ok(EnvFilter::new(if global.dev { "debug" } else { "info" })),
        Some(wanted) => {
            let no_level = |why: &dyn std::fmt::Display| {
                Failure(format!(
                    "BOSBASE_LOG says no level of logging: {why}. Say info, for example."
                ))
            };
            // Any word is read as the name of a part of the program: all of that, and nothing else, would be logged.
            let mut words = wanted.split(',').map(str::trim);
            let is_level =
                |word: &str| word.is_empty() || word.contains(['=', '[']) || word.parse::<LevelFilter>().is_ok();
            if let Some(word) = words.find(|word| !is_level(word)) {
                return Err(no_level(&word));
            }
            EnvFilter::try_new(&wanted).map_err(|error| no_level(&error))
        }
    }
}

fn start_logging(filter: EnvFilter) {
    // A second call would be a programming error in a test, not in the binary.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}
