//! What a server does not do that somebody may rely on, said at its start.

use bosbase_app::unsupported::{Programs, listed, of_application};
use bosbase_app::{App, DataDir};

use super::Failure;
use super::args::Serve;
use super::global::Global;
use super::listening::Addresses;
use super::unheeded::{tolerated, unheeded};

/// Refuses to serve where somebody relies on what would not be run.
///
/// # Errors
///
/// With what that is.
pub fn refuse_ignored(programs: &Programs, serve: &Serve) -> Result<(), Failure> {
    if !programs.hooks.is_empty() && !serve.ignore_hooks {
        return Err(Failure(format!(
            "This version runs no hooks, and {} holds {}: what they check or refuse would not be. Start with \
             --ignore-hooks to go on without them.",
            programs.hooks_in,
            listed(&programs.hooks)
        )));
    }
    if !programs.migrations.is_empty() && !serve.ignore_migrations {
        return Err(Failure(format!(
            "This version applies no migrations, and {} holds some that were not applied: {}. Apply them with PocketBase, \
             or start with --ignore-migrations to go on without them.",
            programs.migrations_in,
            listed(&programs.migrations)
        )));
    }
    Ok(())
}

/// Says in the log, a line each, what is configured and not honoured. What can't be found out is no reason not to
/// serve.
pub fn say_unsupported(app: &App, global: &Global, serve: &Serve, addresses: &Addresses) {
    for line in unheeded(global, serve, addresses).into_iter().chain(tolerated(global)) {
        tracing::warn!("{line}");
    }
    match Programs::beside(&global.dir, &global.program_dirs()) {
        Ok(programs) => say_ignored(&programs),
        Err(error) => {
            let error = error.with_causes();
            tracing::warn!("Hooks and migrations beside the data directory can't be looked for: {error}");
        }
    }
    for line in of_application(app.store(), &app.settings().get()) {
        tracing::warn!("{line}");
    }
}

fn say_ignored(programs: &Programs) {
    if !programs.hooks.is_empty() {
        let names = listed(&programs.hooks);
        tracing::warn!("Not run: the hooks in {} ({names}).", programs.hooks_in);
    }
    if !programs.migrations.is_empty() {
        let names = listed(&programs.migrations);
        tracing::warn!("Not applied: migrations in {} ({names}).", programs.migrations_in);
    }
}

/// Says in the log that root serves what is another user's: that user's server can't write the files that are made.
pub fn warn_root(dir: &DataDir) {
    if let Some(user) = bosbase_app::jobs::owner_beside_root(dir, DataDir::DATABASE) {
        tracing::warn!(
            "This server is root's, and {} is user {user}'s, who can't write what it makes there. Start it as that user: \
             sudo -u '#{user}' bosbase serve --dir {0}",
            dir.display()
        );
    }
}
