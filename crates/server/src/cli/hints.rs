//! The way out of what was mistyped, where the grammar alone would lead astray.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::{Arguments, SuperuserAction};

/// What others call the address of the server.
const ADDRESSES: [&str; 6] = ["--addr", "--address", "--bind", "--host", "--listen", "--port"];

/// The error with a hint in place of the grammar's own, where there is a better one.
pub fn hinting(mut error: clap::Error, words: &[std::ffi::OsString]) -> clap::Error {
    let is_typed = |word: &str| words.iter().any(|typed| typed == word);
    let wrong = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        Some(ContextValue::Strings(words)) => words.first().map(String::as_str),
        _ => None,
    };
    let hint = match error.kind() {
        ErrorKind::InvalidSubcommand => wrong(ContextKind::InvalidSubcommand).and_then(below_another),
        ErrorKind::UnknownArgument => wrong(ContextKind::InvalidArg)
            .filter(|flag| is_typed("serve") && ADDRESSES.contains(flag))
            .map(|_| "the address and the port are one flag: --http 127.0.0.1:8091".to_owned()),
        ErrorKind::MissingRequiredArgument => wrong(ContextKind::InvalidArg)
            .filter(|missing| is_typed("superuser") && missing.contains("PASSWORD"))
            .map(|_| {
                format!(
                    "set {} to the password, where no list of processes shows it, or type it behind the address",
                    SuperuserAction::PASSWORD
                )
            }),
        _ => None,
    };
    let Some(hint) = hint else { return error };
    for repeated in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
        error.remove(repeated);
    }
    let hint = ContextValue::StyledStrs(vec![StyledStr::from(hint)]);
    error.insert(ContextKind::Suggested, hint);
    error
}

/// Where a command of this name is found, if it stands below another.
fn below_another(name: &str) -> Option<String> {
    let root = Arguments::explained();
    let found = root
        .get_subcommands()
        .find_map(|command| Some((command.get_name(), command.find_subcommand(name)?)));
    let (above, command) = found?;
    let mut line = format!("it is: bosbase {above} {name}");
    for argument in command.get_positionals().filter(|argument| argument.is_required_set()) {
        line.push_str(&format!(" {argument}"));
    }
    Some(line)
}
