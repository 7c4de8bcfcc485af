//! `bosbase backup extract …`: single records of a backup, as JSON, in a folder, or back in the data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;

use bosbase_app::App;
use bosbase_app::jobs::{Backups, require_application};
use bosbase_app::recovery::{
    Choice, ExportedJson, LostReference, RecoverRequest, Recovered, RecoveredRecord, export_directory, export_json,
};
use clap::Args;

use super::Failure;
use super::global::Global;
use super::output::{note, say};

/// Where the records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Into {
    /// Back into the data.
    Live,
    /// To standard output.
    Json,
    /// Into a folder.
    Directory(PathBuf),
}

impl FromStr for Into {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "live" => Self::Live,
            "json" => Self::Json,
            directory => Self::Directory(directory.into()),
        })
    }
}

/// So many ids stand in one command that is shown.
const MOST_NAMED: usize = 500;

/// `bosbase backup extract`
#[derive(Debug, Args)]
#[command(
    override_usage = "bosbase backup extract [OPTIONS] <KEY> <COLLECTION> <ID>...\n       \
                            bosbase backup extract [OPTIONS] <KEY> <COLLECTION> --filter <FILTER>"
)]
pub struct Extract {
    /// The backup's name
    pub key: String,
    /// The collection, by its name or id in the backup
    pub collection: String,
    /// The ids of the records
    #[arg(value_name = "ID", required_unless_present = "filter", conflicts_with = "filter")]
    pub ids: Vec<String>,
    /// The records that pass this filter, such as "created > '2026-11-01'"
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub filter: Option<String>,
    /// Along with them the records that a cascade deleted with them
    #[arg(long)]
    pub children: bool,
    /// Where they go: live (back into the data), json (standard output), or a folder that is new or empty
    #[arg(long, value_name = "live|json|DIR", default_value = "json")]
    pub into: Into,
    /// With --into live: let them take the place of records that are there and differ
    #[arg(long)]
    pub overwrite: bool,
    /// With --into live: say what would come of it, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl Extract {
    fn choice(&self) -> Choice {
        Choice {
            collection: self.collection.clone(),
            ids: self.ids.clone(),
            filter: self.filter.clone().unwrap_or_default(),
            children: self.children,
        }
    }
}

/// Does what was asked and says so.
pub fn run(global: &Global, extract: &Extract) -> Result<(), Failure> {
    if extract.into != Into::Live && (extract.overwrite || extract.dry_run) {
        return Err(Failure(
            "--overwrite and --dry-run are about the data: add --into live.".to_owned(),
        ));
    }
    match &extract.into {
        Into::Live => recover(global, extract),
        Into::Json => {
            let backups = Backups::open(global.options()?)?;
            let records = export_json(&backups, &extract.key, &extract.choice());
            let ExportedJson { records, children_left } = records.map_err(|error| naming(error, extract))?;
            tell_of_children(children_left, &extract.into);
            say(&serde_json::to_string_pretty(&records).map_err(|error| Failure(error.to_string()))?);
            Ok(())
        }
        Into::Directory(directory) => {
            let backups = Backups::open(global.options()?)?;
            let written = export_directory(&backups, &extract.key, &extract.choice(), directory);
            let written = written.map_err(|error| naming(error, extract))?;
            say(&format!(
                "Wrote {} and {} into {}.",
                counted(written.records, "record"),
                counted(written.files, "file"),
                directory.display()
            ));
            tell_of_children(written.children_left, &extract.into);
            if written.missing > 0 {
                say(&format!(
                    "Warning: the backup lacks {} that the records name.",
                    counted(written.missing, "file")
                ));
            }
            Ok(())
        }
    }
}

fn recover(global: &Global, extract: &Extract) -> Result<(), Failure> {
    require_application(&global.dir)?;
    let app = App::open(global.options()?)?;
    let request = RecoverRequest {
        choice: extract.choice(),
        overwrites: extract.overwrite,
        dry_run: extract.dry_run,
    };
    let recovered = app.recovery().recover(&extract.key, &request);
    let closed = app.close();
    let recovered = recovered.map_err(|error| naming(error, extract))?;
    tell(&recovered);
    tell_of_children(recovered.children_left, &extract.into);
    tell_of_references(global, &recovered);
    if !recovered.dry_run && recovered.added + recovered.changed > 0 {
        say("A server that runs on this data serves them at once; clients that listen to it are not told.");
    }
    Ok(closed?)
}

fn tell(recovered: &Recovered) {
    for record in &recovered.records {
        say(&line(record));
    }
    let Recovered {
        dry_run,
        added,
        changed,
        left,
        blocked,
        files,
        file_bytes,
        ..
    } = recovered;
    let would = if *dry_run {
        "Nothing was changed. It would be: added"
    } else {
        "Added"
    };
    let mut text = format!("{would} {added}, changed {changed}, left {left}");
    if *blocked > 0 {
        text.push_str(&format!(", blocked {blocked}"));
    }
    say(&format!("{text}; {} ({file_bytes} bytes).", counted(*files, "file")));
}

/// Says that records which belong to the chosen ones were not asked for: of the backup's, or of those that are gone.
fn tell_of_children(left: Option<usize>, into: &Into) {
    let told = match (left, into) {
        (Some(0), _) => return,
        (Some(1), Into::Live) => "1 more record that belongs to these is gone.".to_owned(),
        (Some(count), Into::Live) => format!("{count} more records that belong to these are gone."),
        (Some(1), _) => "1 more record of the backup belongs to these.".to_owned(),
        (Some(count), _) => format!("{count} more records of the backup belong to these."),
        (None, _) => "Many more records may belong to these: they were not counted.".to_owned(),
    };
    note(&format!("{told} To take all of them along: --children."));
}

/// Says which records named those that were gone, and do not any more, with the command that brings them back.
fn tell_of_references(global: &Global, recovered: &Recovered) {
    let Some(lost) = &recovered.lost_references else {
        note("It was not found out which records named these and do not any more.");
        return;
    };
    let mut by_collection: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for LostReference { collection, id, .. } in lost {
        by_collection.entry(collection).or_default().insert(id);
    }
    for (collection, ids) in by_collection {
        let ids_in_all = ids.len();
        let named = counted(ids_in_all, "record");
        let shown: Vec<_> = ids.into_iter().take(MOST_NAMED).collect();
        let first = match ids_in_all > MOST_NAMED {
            true => format!("the first {MOST_NAMED}"),
            false => "them".to_owned(),
        };
        note(&format!(
            "{named} of {collection} named these, and not any more. To put {first} back as in the backup, by which what was \
             changed in them since is lost: bosbase backup extract {} {collection} {} --into live --overwrite --dir {}.",
            recovered.key,
            shown.join(" "),
            global.dir.display()
        ));
    }
}

fn line(record: &RecoveredRecord) -> String {
    let RecoveredRecord {
        collection,
        id,
        action,
        reason,
        files,
        missing_files,
        lost_relations,
        lost_fields,
        ..
    } = record;
    let mut text = format!("{action:8} {collection} {id}");
    if !files.is_empty() {
        text.push_str(&format!("  files: {}", files.join(", ")));
    }
    if !missing_files.is_empty() {
        text.push_str(&format!("  not in the backup: {}", missing_files.join(", ")));
    }
    for (field, ids) in lost_relations {
        text.push_str(&format!("  {field} named what is gone: {}", ids.join(", ")));
    }
    if !lost_fields.is_empty() {
        text.push_str(&format!("  fields that are no more: {}", lost_fields.join(", ")));
    }
    if !reason.is_empty() {
        text.push_str(&format!("  {reason}"));
    }
    // Ids and names out of a backup may say anything, and this is one line.
    text.replace('\n', "\u{fffd}")
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// A refusal that says what there is not.
fn naming(error: bosbase_app::Error, extract: &Extract) -> Failure {
    let is_of_collection = error.message().contains("collection");
    match error.kind() {
        bosbase_app::ErrorKind::NotFound if is_of_collection => Failure(format!(
            "There is no collection {} in {}.",
            extract.collection, extract.key
        )),
        bosbase_app::ErrorKind::NotFound => {
            Failure(format!("There is no backup {}. See: bosbase backup list.", extract.key))
        }
        _ => {
            let error = error.explaining_query();
            let wrong = error
                .data()
                .get("query")
                .and_then(|detail| detail.get("message")?.as_str());
            match (wrong, &extract.filter) {
                (Some(wrong), Some(_)) => Failure(format!("The filter can't be used: {wrong}.")),
                _ => error.into(),
            }
        }
    }
}
