//! `bosbase backup …`, on a stopped data directory or beside a running server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bosbase_app::jobs::{
    Backups, CREATE_STEPS, Importing, Job, JobState, Listed, Needed, Proof, RESTORE_STEPS, Replaced, Ticket, Undoing,
    make_directory, place_in_doubt, require_application, take_over_backups,
};
use bosbase_app::recovery::RECOVER_STEPS;
use bosbase_app::start::{restore_offline, undo_offline};
use bosbase_app::{App, AppOptions};

use super::Failure;
use super::args::BackupAction;
use super::global::Global;
use super::output::{Meter, note, say};

/// How often a job is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Does what was asked and says so.
pub fn run(global: &Global, action: &BackupAction) -> Result<(), Failure> {
    let needed = match action {
        BackupAction::Create { .. } => Needed::All,
        _ => Needed::Place,
    };
    // An undo asks for no backup.
    if !matches!(action, BackupAction::Steps | BackupAction::Undo { .. })
        && let Some(doubt) = place_in_doubt(&options(global)?, needed)?
    {
        note(&doubt);
    }
    if let BackupAction::Restore { key, yes } = action {
        let meter = Meter::new("restoring");
        let options = options(global)?;
        let replaced = if *yes { Replaced::MayGo } else { Replaced::Stays };
        let outcome = restore_offline(&options, key, replaced, &|done, total| meter.show(done, total));
        meter.finish();
        say(&outcome?);
        return Ok(());
    }
    if let BackupAction::Undo { yes } = action {
        let wanted = if *yes { Undoing::Anything } else { Undoing::Data };
        say(&undo_offline(&options(global)?, wanted)?);
        return Ok(());
    }
    if let BackupAction::Extract(extract) = action {
        return super::extract::run(global, extract);
    }
    if matches!(action, BackupAction::Steps) {
        CREATE_STEPS.iter().for_each(|step| say(&format!("create {step}")));
        RESTORE_STEPS.iter().for_each(|step| say(&format!("restore {step}")));
        RECOVER_STEPS.iter().for_each(|step| say(&format!("recover {step}")));
        return Ok(());
    }
    if matches!(action, BackupAction::TakeOver) {
        say(&take_over_backups(&options(global)?)?);
        return Ok(());
    }
    if let BackupAction::Create { name } = action {
        return create(global, name.as_deref().unwrap_or_default());
    }
    if let BackupAction::Import { file, name } = action {
        make_directory(&global.dir)?;
        // Root may read what the data directory's owner may not.
        let source = Importing::open(file)?;
        super::become_owner(&global.dir)?;
        return import(global, file, source, name.as_deref());
    }
    // The databases stay closed: they may be what is broken.
    act(global, &Arc::new(Backups::open(options(global)?)?), action)
}

fn options(global: &Global) -> Result<AppOptions, Failure> {
    global.options()
}

fn create(global: &Global, name: &str) -> Result<(), Failure> {
    require_application(&global.dir)?;
    let app = App::open(options(global)?)?;
    let begun = app.backup_jobs().start_backup(name);
    let job = begun
        .map_err(|error| naming_new(error, name))
        .and_then(|ticket| follow("creating", &ticket));
    let closed = app.close();
    let job = job?;
    say(&format!("Created and verified {}.", job.key));
    warn(&job);
    Ok(closed?)
}

fn warn(job: &Job) {
    if !job.warning.is_empty() {
        say(&format!("Warning: {}", job.warning));
    }
}

fn act(global: &Global, backups: &Arc<Backups>, action: &BackupAction) -> Result<(), Failure> {
    match action {
        BackupAction::List => list(global, backups)?,
        BackupAction::Verify { key } => {
            let ticket = backups.start_verify(key).map_err(|error| naming(error, key))?;
            let job = follow("verifying", &ticket)?;
            let databases = match backups.depth_of(key)? {
                "databases" => " Its databases were opened and are whole.",
                _ => "",
            };
            say(&format!(
                "{key} is whole: structure, lengths, checksums and digests are as they should be.{databases}"
            ));
            warn(&job);
        }
        BackupAction::Delete { key } => {
            backups.delete(key).map_err(|error| naming(error, key))?;
            say(&format!("Deleted {key}."));
        }
        BackupAction::Export { key, file } => {
            let meter = Meter::new("exporting");
            let done = backups.export(key, file, &|done, total| meter.show(done, total));
            meter.finish();
            done.map_err(|error| naming(error, key))?;
            say(&format!("Exported {key} to {}.", file.display()));
        }
        // These were done before.
        BackupAction::Create { .. }
        | BackupAction::Import { .. }
        | BackupAction::Restore { .. }
        | BackupAction::Extract(_)
        | BackupAction::Undo { .. }
        | BackupAction::TakeOver
        | BackupAction::Status
        | BackupAction::Steps => {}
    }
    Ok(())
}

fn import(global: &Global, file: &Path, source: Importing, name: Option<&str>) -> Result<(), Failure> {
    let backups = Backups::open(options(global)?)?;
    let meter = Meter::new("importing");
    let done = backups.import(source, name, &|done, total| meter.show(done, total));
    meter.finish();
    let key = done.map_err(|error| importing(error, file, name))?.key;
    say(&format!(
        "Imported {} as {key}. To prove it: bosbase backup verify {key} --dir {}",
        file.display(),
        global.dir.display()
    ));
    Ok(())
}

fn list(global: &Global, backups: &Backups) -> Result<(), Failure> {
    let listed = backups.shown()?;
    if listed.is_empty() {
        let place = backups.shown_folder();
        let doubt = match require_application(&global.dir) {
            Ok(()) => String::new(),
            Err(error) => format!(" {}", error.message()),
        };
        note(&format!("There are no backups in {place}.{doubt}"));
    }
    for Listed { backup, proof, .. } in listed {
        let modified = bosbase_app::moment::wire(backup.modified);
        let known = known(&proof);
        say(&format!("{modified}  {:>14}  {}  {known}", backup.size, backup.key));
    }
    Ok(())
}

/// What is known of a backup, in a few words.
pub fn known(proof: &Proof) -> String {
    let proven = match bosbase_app::moment::age(&proof.proven) {
        // Such times can be compared as texts.
        Some(_) if proof.proven > bosbase_app::moment::wire_now() => {
            format!(
                "proven at a time that is yet to come, {} ({})",
                proof.proven,
                proof.depth()
            )
        }
        Some(age) => format!("proven {} ago ({})", rounded(age), proof.depth()),
        None if proof.error.is_empty() => "not proven".to_owned(),
        None => return format!("FAILED: {}", proof.error),
    };
    if proof.error.is_empty() {
        return proven;
    }
    format!("{proven}; the last try FAILED: {}", proof.error)
}

/// A duration in its largest whole unit.
pub fn rounded(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A refusal that says which backup there is not.
fn naming(error: bosbase_app::Error, key: &str) -> Failure {
    match error.kind() {
        bosbase_app::ErrorKind::NotFound => Failure(format!("There is no backup {key}. See: bosbase backup list.")),
        _ => error.into(),
    }
}

/// A refusal of a file that says why in words about files.
fn importing(error: bosbase_app::Error, file: &Path, name: Option<&str>) -> Failure {
    let told = |key: &str| error.data().get("file")?.get(key)?.as_str();
    let own = file.file_name().unwrap_or_default().to_string_lossy();
    match (told("code"), told("message")) {
        (Some("validation_invalid_mime_type"), _) => Failure(format!("{} is no ZIP archive.", file.display())),
        (Some("validation_backup_name_exists"), _) => naming_new(error, name.unwrap_or(&own)),
        // That the submitted data was validated says nothing.
        (_, Some(message)) => Failure(message.to_owned()),
        _ => error.into(),
    }
}

/// A refusal of a new backup that says what is wrong with its name, where that is what is wrong.
fn naming_new(error: bosbase_app::Error, name: &str) -> Failure {
    let code = |field: &str| error.data().get(field)?.get("code")?.as_str();
    // A file that is imported brings its name with it.
    match code("name").or_else(|| code("file")) {
        Some("validation_match_invalid" | "validation_length_out_of_range") => Failure(format!(
            "{name:?} can't be a backup's name. It has lower case letters, digits, - and _, at most 150 characters, and \
             ends in .zip."
        )),
        Some("validation_backup_name_exists") => Failure(format!(
            "The backup {name} already exists. Choose another name. See: bosbase backup list."
        )),
        _ => error.into(),
    }
}

/// Shows a job's progress until it ends.
fn follow(what: &'static str, ticket: &Ticket) -> Result<Job, Failure> {
    let meter = Meter::new(what);
    loop {
        let job = ticket.job();
        meter.show(job.bytes_done, job.bytes_total);
        match job.state {
            JobState::Running => std::thread::sleep(LOOK),
            JobState::Succeeded => {
                meter.finish();
                return Ok(job);
            }
            JobState::Failed => {
                meter.finish();
                return Err(Failure(job.error));
            }
        }
    }
}
