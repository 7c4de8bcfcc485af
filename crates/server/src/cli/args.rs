//! What may be typed, with the help that explains it.

use std::path::PathBuf;

use bosbase_app::DataDir;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{ArgAction, Args, Parser, Subcommand};

use super::extract::{Extract, Into};
use super::global::{Global, boolean};

/// An application backend on an embedded SQLite database whose backups are proven and whose restores are all or
/// nothing.
#[derive(Debug, Parser)]
#[command(name = "bosbase", version, propagate_version = true, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

impl Command {
    /// Whether it is about a data directory or a server, which are configured.
    pub fn is_configured(&self) -> bool {
        !matches!(self, Self::Completions { .. } | Self::Manual { .. } | Self::Routes)
    }

    /// Whether it needs what may be another user's than the data directory: a port, a file elsewhere.
    pub fn reaches_elsewhere(&self) -> bool {
        match self {
            Self::Serve(_)
            | Self::Config { .. }
            | Self::Completions { .. }
            | Self::Manual { .. }
            | Self::Routes
            | Self::Check(_) => true,
            Self::Backup { action } => match action {
                BackupAction::Import { .. } | BackupAction::Export { .. } | BackupAction::Steps => true,
                BackupAction::Extract(extract) => matches!(extract.into, Into::Directory(_)),
                _ => false,
            },
            Self::Files { .. } | Self::Superuser { .. } => false,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server
    Serve(Serve),
    /// Say what of a data directory works here, before it is switched from PocketBase; nothing in it is changed
    ///
    /// Exits with 0 where nothing differs, 1 where something differs, is not honoured or has to be mended, and 2 where
    /// it can't be served.
    Check(Check),
    /// Say how the server would be configured
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Print what makes a shell complete these commands
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages of all commands into a directory
    #[command(hide = true)]
    Manual {
        /// The directory, which must be there
        directory: PathBuf,
    },
    /// Print every route of the API with who may call it
    Routes,
    /// Make, check, restore and move backups, on a stopped data directory or beside a running server
    Backup {
        #[command(subcommand)]
        action: BackupAction,
    },
    /// Say whose the bucket of the uploaded files is
    Files {
        #[command(subcommand)]
        action: FilesAction,
    },
    /// Manage the superusers, who may do everything
    Superuser {
        #[command(subcommand)]
        action: SuperuserAction,
    },
}

/// `bosbase serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// The names of this host: answer by HTTPS, with certificates that are got by themselves (Let's Encrypt)
    #[arg(value_name = "DOMAINS", env = "BOSBASE_DOMAINS")]
    pub domains: Vec<String>,
    /// The address of plain HTTP; without a host on all addresses [default: 127.0.0.1:8090, with domains 0.0.0.0:80]
    #[arg(long, env = "BOSBASE_HTTP", value_name = "HOST:PORT")]
    pub http: Option<String>,
    /// The address of HTTPS, to which plain HTTP leads then [default: none, with domains 0.0.0.0:443]
    #[arg(long, env = "BOSBASE_HTTPS", value_name = "HOST:PORT")]
    pub https: Option<String>,
    /// The origins of web pages that may call the API, separated by commas; * stands for any characters, ? for one
    #[arg(
        long,
        env = "BOSBASE_ORIGINS",
        default_value = "*",
        value_delimiter = ',',
        value_name = "ORIGINS"
    )]
    pub origins: Vec<String>,
    /// Start although JavaScript hooks lie in pb_hooks beside the data directory; none of them is run
    #[arg(long, env = "BOSBASE_IGNORE_HOOKS", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, default_value = "false", default_missing_value = "true", hide_default_value = true, value_parser = boolean)]
    pub ignore_hooks: bool,
    /// Start although pb_migrations beside the data directory holds migrations that were not applied; none of them is
    #[arg(long, env = "BOSBASE_IGNORE_MIGRATIONS", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, default_value = "false", default_missing_value = "true", hide_default_value = true, value_parser = boolean)]
    pub ignore_migrations: bool,
    /// Look into the data and leave the world alone: no scheduled backups, no alarms, no deletions in buckets
    #[arg(long, env = "BOSBASE_REHEARSAL", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, default_value = "false", default_missing_value = "true", hide_default_value = true, value_parser = boolean)]
    pub rehearsal: bool,
}

/// `bosbase config …`
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Print what is in force with these flags, this environment and the configuration file, and where each value came
    /// from; nothing is started
    ///
    /// Takes the flags of serve. Secrets are not shown. Exits with 1 and a line where something is wrong.
    Check(Serve),
}

/// `bosbase check DIR`
#[derive(Debug, Args)]
pub struct Check {
    /// The data directory, also one that PocketBase is serving; the one of --dir if left out
    #[arg(value_name = "DIRECTORY", value_parser = PathBufValueParser::new().map(DataDir::at))]
    pub directory: Option<DataDir>,
    /// Say it as JSON
    #[arg(long)]
    pub json: bool,
}

/// `bosbase files …`
#[derive(Debug, Subcommand)]
pub enum FilesAction {
    /// Make this data directory the one that deletes files in the bucket of settings.s3; its owner until now no longer
    /// does
    TakeOver,
}

/// `bosbase superuser …`. A password left out is asked for in `BOSBASE_SUPERUSER_PASSWORD`, so that it need not show in
/// a process list.
#[derive(Debug, Subcommand)]
pub enum SuperuserAction {
    /// Create a superuser, or set the password of the one who is there
    Upsert(Credentials),
    /// Create a superuser
    Create(Credentials),
    /// Set a superuser's password; who was logged in with the old one no longer is
    Update(Credentials),
    /// Let superusers log in again, with a password and from any address, where settings or options keep all of them
    /// out
    Unlock,
    /// Make a one-time password of a superuser, with which to log in once where no mail arrives
    Otp {
        /// The superuser's email address
        email: String,
    },
    /// Delete a superuser
    Delete {
        /// The superuser's email address
        email: String,
    },
}

impl SuperuserAction {
    /// The variable that holds the password.
    pub const PASSWORD: &str = "BOSBASE_SUPERUSER_PASSWORD";
}

#[derive(Debug, Args)]
pub struct Credentials {
    /// The superuser's email address
    pub email: String,
    /// The password, at least 8 characters; better given in the environment, where no process list shows it
    #[arg(env = SuperuserAction::PASSWORD, hide_env_values = true)]
    pub password: String,
}

/// `bosbase backup …`
#[derive(Debug, Subcommand)]
pub enum BackupAction {
    /// Make a backup of everything: databases and uploaded files, at one point in time
    Create {
        /// Its name: lower case letters, digits, - and _, ending in .zip; made up from the time if left out
        name: Option<String>,
    },
    /// List the backups, newest first: time (UTC), bytes, name, when it was last proven
    List,
    /// Say whether the data is safe: the newest proven backup, where it is, what is scheduled, and what to do
    ///
    /// Exits with 0 where the data is safe from mistakes and from the loss of this machine, and with 1 otherwise.
    Status,
    /// Read a backup from end to end and hold it against its checksums, digests and databases
    Verify {
        /// The backup's name
        key: String,
    },
    /// Replace all data by a backup's; the server must be stopped (a running one restores by POST
    /// /api/backups/KEY/restore)
    Restore {
        /// The backup's name
        key: String,
        /// Also where data would be lost for good: that which an earlier restore or undo replaced, and which is still kept
        #[arg(long)]
        yes: bool,
    },
    /// Look into a backup and take single records out of it, with their files: as JSON, into a folder, or back into the
    /// data, on a stopped data directory or beside a running server
    Extract(Extract),
    /// Bring back the data that the last restore replaced; the server must be stopped (a running one does it by POST
    /// /api/backups/undo-restore)
    Undo {
        /// Also where it leaves an empty application, since there was no data before the restore, or takes an undo back
        #[arg(long)]
        yes: bool,
    },
    /// Name the steps of a backup and of a restore, as the crash tables in docs/design.md do
    #[command(hide = true)]
    Steps,
    /// Count the scheduled backups that lie where this data directory keeps its own as its own, also those that
    /// others made: retention then deletes those that have had their day
    TakeOver,
    /// Delete a backup for good
    Delete {
        /// The backup's name
        key: String,
    },
    /// Copy a backup out to a file
    Export {
        /// The backup's name
        key: String,
        /// Where to; must not exist yet
        file: PathBuf,
    },
    /// Take in a backup from a file, made here or by PocketBase
    Import {
        /// The archive
        file: PathBuf,
        /// The name to keep it under; the file's own if left out
        name: Option<String>,
    },
}
