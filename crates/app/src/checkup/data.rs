//! What a start would find in the databases, and say of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bosbase_backup::DataDir;
use bosbase_disk::{Disk as _, RealDisk};
use bosbase_store::{AuthOptions, Disagreement, DisagreementKind, ErrorKind as Stored, Store, StoreOptions};

use super::copy::Copy;
use super::mails;
use super::report::Report;
use super::uploads;
use crate::error::Result;
use crate::options::AppOptions;
use crate::settings::{self, Settings};
use crate::unsupported::{listed, of_application};
use crate::{jobs, lockout, oauth2};

/// Does with `copy` what a start does with the data directory of `options`, and says what it finds.
///
/// # Errors
///
/// What keeps it from being looked at any further.
pub(super) fn look(copy: &Copy, options: &AppOptions, report: &mut Report) -> Result<()> {
    let dir = copy.dir();
    let is_whole = check_integrity(dir, DataDir::DATABASE).map_err(|error| {
        report.mend(
            "integrity",
            format!("data.db is damaged: {}. Restore a backup of it.", error.detail()),
        );
    });
    if let Err(error) = check_integrity(dir, DataDir::LOG) {
        report.differs(
            "log",
            format!(
                "The log (auxiliary.db) is damaged: {}. A start sets it aside if it can't be opened, and begins a new \
                 one.",
                error.detail()
            ),
        );
    }
    if let Err(error) = bosbase_store::check_application(dir) {
        report.cannot_serve("database", sentence(&error));
        return Ok(());
    }
    if is_whole.is_ok() {
        report.works("integrity", "data.db is whole (PRAGMA integrity_check).");
    }
    tell_version(dir, report)?;
    let store = match open(copy) {
        Ok(store) => store,
        Err(error) => {
            report.cannot_serve("database", sentence(&error));
            return Ok(());
        }
    };
    let looked = look_into(&store, options, report);
    let closed = store.close();
    let in_bucket = looked?;
    closed?;
    match in_bucket {
        Some(true) => tell_bucket(&options.data_dir, report),
        Some(false) => uploads::look(dir, &options.data_dir, report)?,
        None => {}
    }
    Ok(())
}

/// Says what becomes of uploaded files in a bucket, which is not asked.
fn tell_bucket(dir: &DataDir, report: &mut Report) {
    report.note("files", "Uploaded files lie in a bucket, which was not asked for them.");
    // Where it was served before, the mark in the bucket says whose that is.
    if matches!(RealDisk.exists(&dir.state().instance()), Ok(false)) {
        report.differs(
            "files",
            format!(
                "Uploaded files lie in a bucket. Backups hold them, too, and take room for them. A bucket that holds \
                 something belongs to no data directory until you say so, and nothing is deleted there: stop PocketBase \
                 for good, then bosbase files take-over --dir {}",
                dir.display()
            ),
        );
    }
}

fn sentence(error: &bosbase_store::Error) -> String {
    crate::error::sentence(error.detail())
}

fn check_integrity(dir: &Path, name: &str) -> bosbase_store::Result<()> {
    let path = dir.join(name);
    match RealDisk.exists(&path) {
        Ok(false) => Ok(()),
        _ => bosbase_store::check_database(&path, &Arc::new(AtomicBool::new(false))),
    }
}

/// Says how old the data is, as far as its migrations tell.
fn tell_version(dir: &Path, report: &mut Report) -> Result<()> {
    let applied = bosbase_store::applied_migrations(dir)?;
    let due = bosbase_store::due_upgrades(&applied);
    if due.is_empty() {
        report.works(
            "version",
            "The database is one of PocketBase 0.40.6, as far as its migrations tell.",
        );
    } else {
        report.differs(
            "version",
            format!(
                "The database is one of an older PocketBase, of 0.23 or later. A start upgrades it as PocketBase 0.40.6 \
                 would ({}), and behaves as that does. Keep a copy: the older PocketBase may not open it again.",
                due.join(", ")
            ),
        );
    }
    let is_foreign = |file: &&String| file.ends_with(".go") && !bosbase_store::is_own_migration(file);
    let mut foreign: Vec<String> = applied.iter().filter(is_foreign).cloned().collect();
    foreign.sort_unstable();
    if !foreign.is_empty() {
        report.not_honoured(
            "version",
            format!(
                "Migrations written in Go were applied that PocketBase 0.40.6 does not have: {}. If the application is a \
                 program of its own around PocketBase, what it does in Go is not done here; if a later PocketBase was \
                 used, what that added is not known here.",
                listed(&foreign)
            ),
        );
    }
    Ok(())
}

/// Opens the copy as a start does, which sets a damaged log aside.
fn open(copy: &Copy) -> bosbase_store::Result<Store> {
    let options = StoreOptions::new(copy.dir().to_path_buf());
    match Store::open(&options) {
        Err(error) if error.kind() == Stored::CorruptLog && copy.remove_log().is_ok() => Store::open(&options),
        opened => opened,
    }
}

/// Looks into the open copy, and says whether uploaded files lie in a bucket; `None` where that can't be told.
fn look_into(store: &Store, options: &AppOptions, report: &mut Report) -> Result<Option<bool>> {
    tell_agreement(store, report);
    for proof in [lockout::prove, lockout::prove_logins, lockout::prove_writes] {
        if let Err(error) = proof(store) {
            report.mend("logins", error.with_causes());
        }
    }
    if let Err(error) = jobs::prove_storage(&options.data_dir, store) {
        report.mend("files", error.with_causes());
    }
    tell_providers(store, report);
    let settings = match settings::load(store, options.encryption_key.as_deref()) {
        Ok(settings) => settings,
        Err(error) => {
            report.cannot_serve("settings", error.with_causes());
            return Ok(None);
        }
    };
    report.works("settings", "The settings can be read.");
    tell_superusers(store, &settings, options, report);
    mails::look(&settings, report);
    for line in of_application(store, &settings) {
        report.not_honoured("options", line);
    }
    let bucket = options.files_place.bucket(|| settings.s3.bucket());
    Ok(Some(bucket.is_some()))
}

/// Says whether the collections and their tables agree, and what a start makes good of that.
fn tell_agreement(store: &Store, report: &mut Report) {
    let schema = store.schema();
    let of_kind = |wanted: [bool; 2]| {
        let all = schema.all().iter();
        all.filter(|one| [one.is_auth(), one.is_view()] == wanted).count()
    };
    let (base, auth, view) = (of_kind([false, false]), of_kind([true, false]), of_kind([false, true]));
    let agreement = store.agreement();
    let broken = agreement.disagreements.iter().any(Disagreement::is_fatal);
    if !broken {
        let counted = format!("{base} base, {auth} auth and {view} view collections");
        report.works("collections", format!("{counted} have what they need in the database."));
    }
    for line in &agreement.mended {
        report.differs(
            "collections",
            format!("A start makes good, as it did in the copy: {line}"),
        );
    }
    for one in &agreement.disagreements {
        match one.kind() {
            DisagreementKind::Trigger => report.not_honoured("triggers", one.to_string()),
            DisagreementKind::Index => report.mend("collections", one.to_string()),
            _ if one.is_fatal() => report.mend("collections", one.to_string()),
            _ => report.differs("collections", one.to_string()),
        }
    }
}

/// Says with which providers accounts log in, and which of those there are not.
fn tell_providers(store: &Store, report: &mut Report) {
    for collection in store.schema().all().iter().filter(|one| one.is_auth()) {
        // Options that can't be read are told of by `of_application`.
        let Ok(options) = AuthOptions::of(collection) else {
            continue;
        };
        if !options.oauth2.enabled {
            continue;
        }
        let names = options.oauth2.providers.iter().map(|one| one.name.clone());
        let (known, unknown): (Vec<String>, Vec<String>) = names.partition(|name| oauth2::is_known(name));
        let collection = &collection.name;
        if !known.is_empty() {
            report.works(
                "oauth2",
                format!("Accounts of {collection} can log in with {}.", listed(&known)),
            );
        }
        if !unknown.is_empty() {
            report.not_honoured(
                "oauth2",
                format!(
                    "Collection {collection} names providers that are not known here, with which nobody can log in: {}.",
                    listed(&unknown)
                ),
            );
        }
    }
}

fn tell_superusers(store: &Store, settings: &Settings, options: &AppOptions, report: &mut Report) {
    match lockout::reason(store, settings, None) {
        Ok(None) => report.works("superusers", "A superuser can log in with a password."),
        Ok(Some(why)) => report.mend(
            "superusers",
            format!(
                "No superuser could log in: {why}. Once it is served: bosbase superuser {way} --dir {dir}",
                way = if lockout::wants_account(&why) {
                    "upsert EMAIL PASSWORD"
                } else {
                    "unlock"
                },
                dir = options.data_dir.display()
            ),
        ),
        // Said by `lockout::prove` already.
        Err(error) => {
            tracing::debug!(%error, "whether superusers can log in can't be told");
        }
    }
}
