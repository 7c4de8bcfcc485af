//! The way out of what was mistyped, where the grammar alone would lead astray.

use clap::error::{ContextKind, ErrorKind};

use super::args::{Arguments, SuperuserAction};
use super::complaint::{form, is_of_form, texts};

/// What others call the address of the server.
const ADDRESSES: [&str; 6] = ["--addr", "--address", "--bind", "--host", "--listen", "--port"];

/// What to do about the error, in a sentence, in place of the grammar's own advice; `path` are the commands that were
/// typed.
pub fn hint(error: &clap::Error, path: &[String]) -> Option<String> {
    let is_typed = |command: &str| path.iter().any(|typed| typed == command);
    let wrong = |kind| texts(error, kind);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = wrong(ContextKind::InvalidSubcommand);
            let of_pocketbase = || of_pocketbase(name.first()?).filter(|_| path.len() == 1);
            of_pocketbase().or_else(|| below_another(name.first()?))
        }
        ErrorKind::UnknownArgument => {
            let flag = wrong(ContextKind::InvalidArg);
            let is_address = is_typed("serve") && ADDRESSES.contains(&flag.first()?.as_str());
            let address = || "The address and the port are one flag: --http 127.0.0.1:8091.".to_owned();
            let of_form = || form(path).filter(|_| flag.first().is_some_and(|flag| is_of_form(path, flag)));
            is_address.then(address).or_else(of_form)
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = |name: &str| wrong(ContextKind::InvalidArg).iter().any(|text| text.contains(name));
            if is_typed("superuser") && missing("PASSWORD") {
                return Some(format!(
                    "Set {} to the password, where no list of processes shows it, or type it behind the address.",
                    SuperuserAction::PASSWORD
                ));
            }
            let is_about_records = is_typed("extract") && missing("ID");
            is_about_records
                .then(|| "Name the records by their ids, or by --filter <FILTER> in place of these.".to_owned())
        }
        _ => None,
    }
}

/// What takes the place of a command that PocketBase has.
fn of_pocketbase(name: &str) -> Option<String> {
    let line = match name {
        "update" => "A new version is a new program: put it in place of the old one and start it.",
        "migrate" => "No migrations are applied here. Apply them with PocketBase before you switch.",
        _ => return None,
    };
    Some(line.to_owned())
}

/// Where a command of this name is found, if it stands below another.
fn below_another(name: &str) -> Option<String> {
    let root = Arguments::explained();
    let found = root
        .get_subcommands()
        .find_map(|command| Some((command.get_name(), command.find_subcommand(name)?)));
    let (above, command) = found?;
    let mut line = format!("It is: bosbase {above} {name}");
    for argument in command.get_positionals().filter(|argument| argument.is_required_set()) {
        line.push_str(&format!(" {argument}"));
    }
    line.push('.');
    Some(line)
}
