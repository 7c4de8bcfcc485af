//! `bosbase`: an application backend whose data cannot be lost.
//!
//! The binary is thin: [`cli`] turns the command line into calls of `bosbase-app`, [`http`] does the same with requests
//! (`routes/` holds one file per resource), and both only translate: words to types, errors to answers.

mod cli;
#[cfg(feature = "failpoints")]
mod failpoint;
mod http;
mod restart;
mod routes;

/// The system's allocator keeps what a large body or answer took, thread by thread; this one gives it back.
/// Its huge pages (the feature `no_thp` leaves them out) would take 30 MiB more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
