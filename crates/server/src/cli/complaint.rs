//! One line about a command line that makes no sense: what is wrong with it, and what to do. clap says it in a
//! paragraph.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Arguments;
use super::grammar::takes_next_word;
use super::hints::hint;

/// What stands for a word that may be a password.
const HIDDEN: &str = "(not shown, as it may be a password)";

/// What `error` says of the `words` that were typed.
pub fn line(error: &clap::Error, words: &[OsString]) -> String {
    let path = command_of(words);
    let command = path.join(" ");
    let is_hidden = is_hidden(error, words);
    let told = match is_hidden {
        true => Some(hidden(error.kind(), &command)),
        false => wrong(error, &command),
    };
    let mut line = told.unwrap_or_else(|| first_line(error));
    let hint = match is_hidden {
        true => form(&path).filter(|_| error.kind() == ErrorKind::UnknownArgument),
        false => hint(error, &path).or_else(|| way_out(error, &path)),
    };
    if let Some(hint) = hint {
        line.push(' ');
        line.push_str(&hint);
    }
    format!("{line} See: {command} --help.")
}

/// The program and the commands among `words`, as far as there are such.
pub fn command_of(words: &[OsString]) -> Vec<String> {
    let mut root = Arguments::grammar();
    root.build();
    let mut path = vec![root.get_name().to_owned()];
    let mut at = &root;
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next().and_then(|word| word.to_str()) {
        if word == "--" {
            break;
        }
        if let Some(flag) = word.strip_prefix("--") {
            if takes_next_word(at, flag) {
                rest.next();
            }
            continue;
        }
        if word.starts_with('-') {
            continue;
        }
        match at.find_subcommand(word) {
            Some(below) => {
                path.push(below.get_name().to_owned());
                at = below;
            }
            None => break,
        }
    }
    // `bosbase help backup` is about `bosbase backup`.
    path.retain(|name| name != "help");
    path
}

/// How the words of the command at `path` stand that are no flags, in a sentence; nothing where it takes none.
pub fn form(path: &[String]) -> Option<String> {
    let root = Arguments::explained();
    let command = command_at(&root, path)?;
    let words: Vec<_> = command.get_positionals().map(|word| format!(" {word}")).collect();
    (!words.is_empty()).then(|| format!("It is: {}{}.", path.join(" "), words.concat().trim_end_matches("...")))
}

/// The command that `path` leads to; its first word is the program's.
fn command_at<'a>(root: &'a clap::Command, path: &[String]) -> Option<&'a clap::Command> {
    path.iter().skip(1).try_fold(root, |at, name| at.find_subcommand(name))
}

/// Whether the flag `name` stands for a word of the command at `path` that is no flag, as in `--email`.
pub fn is_of_form(path: &[String], name: &str) -> bool {
    let name = name.trim_start_matches('-');
    let root = Arguments::explained();
    let is_it = |word: &clap::Arg| {
        let word = word.get_id().as_str();
        word == name || word.strip_suffix('s') == Some(name)
    };
    command_at(&root, path).is_some_and(|command| command.get_positionals().any(is_it))
}

/// Whether a word of this command line may be a password.
pub fn is_about_superusers(words: &[OsString]) -> bool {
    words.iter().any(|word| word == "superuser")
}

/// Whether the word that is wrong may be a password.
fn is_hidden(error: &clap::Error, words: &[OsString]) -> bool {
    let is_superuser = is_about_superusers(words);
    let wrong = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            return is_superuser
                && texts(error, ContextKind::InvalidValue)
                    .iter()
                    .any(|value| !value.is_empty());
        }
        _ => return false,
    };
    let is_flag = |word: &str| match word.strip_prefix("--") {
        Some(name) => name.bytes().all(|byte| byte.is_ascii_lowercase()),
        // One letter: of what follows it nothing is said.
        None => word.starts_with('-') && word.len() == 2,
    };
    let is_plain = match error.get(wrong) {
        // A word that is like no flag may be anything.
        Some(ContextValue::String(word)) => {
            let is_known = || error.get(ContextKind::SuggestedArg).is_some() || is_of_form(&command_of(words), word);
            is_flag(word) && (word.len() == 2 || is_known())
        }
        _ => true,
    };
    !is_plain && is_superuser
}

fn hidden(kind: ErrorKind, command: &str) -> String {
    match kind {
        ErrorKind::InvalidSubcommand => format!("{command} has no command of the name that was typed {HIDDEN}."),
        _ => unshown(command),
    }
}

/// What is said of a word that `command` does not take and that may be a password.
pub fn unshown(command: &str) -> String {
    format!("{command} does not take one of the words that were typed {HIDDEN}.")
}

/// What is wrong, where the error says enough of it.
fn wrong(error: &clap::Error, command: &str) -> Option<String> {
    let first = |kind| texts(error, kind).into_iter().next();
    let argument = first(ContextKind::InvalidArg);
    let value = first(ContextKind::InvalidValue);
    Some(match error.kind() {
        ErrorKind::UnknownArgument => format!("{command} does not take {}.", plain(&argument?)),
        ErrorKind::InvalidSubcommand => {
            let name = first(ContextKind::InvalidSubcommand)?;
            format!("{command} has no command {}.", plain(&name))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            format!("{command} needs a command.")
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = texts(error, ContextKind::InvalidArg);
            let missing: Vec<_> = missing
                .iter()
                .map(|name| name.trim_end_matches("...").to_owned())
                .collect();
            format!("{command} needs {}.", listed(&missing, "and")?)
        }
        ErrorKind::InvalidValue if value.as_deref() == Some("") => format!("{} needs a value.", argument?),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let possible = texts(error, ContextKind::ValidValue);
            let why = listed(&possible, "or").map(|possible| format!("{possible} is expected"));
            let why = why.or_else(|| Some(error.source()?.to_string()));
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            format!("{} can't be {:?}{why}.", argument?, value?)
        }
        ErrorKind::TooManyValues => format!("{} takes no value {:?}.", argument?, value?),
        ErrorKind::ArgumentConflict => {
            let others = texts(error, ContextKind::PriorArg);
            format!("{} can't be used together with {}.", argument?, listed(&others, "and")?)
        }
        ErrorKind::InvalidUtf8 => "A word that was typed is no text in UTF-8.".to_owned(),
        _ => return None,
    })
}

/// What may have been meant, as the grammar has it.
fn way_out(error: &clap::Error, path: &[String]) -> Option<String> {
    let meant = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    // The likeliest stands last.
    if let Some(meant) = meant.into_iter().find_map(|kind| texts(error, kind).pop()) {
        return Some(format!("Did you mean {meant}?"));
    }
    if let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) {
        // A word behind `--` is hardly what somebody means who mistyped a flag.
        let mut tips = tips.iter().map(ToString::to_string);
        if let Some(tip) = tips.find(|tip| !tip.contains("as a value")) {
            return Some(format!("Tip: {}.", one_line(&tip)));
        }
    }
    let wants_command = matches!(
        error.kind(),
        ErrorKind::InvalidSubcommand
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    // `backup restore --name x.zip`
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(form) = form(path)
    {
        return Some(form);
    }
    let root = Arguments::explained();
    let command = command_at(&root, path)?;
    let names: Vec<_> = command
        .get_subcommands()
        .filter(|command| wants_command && !command.is_hide_set())
        .map(|command| command.get_name().to_owned())
        .collect();
    let verb = if names.len() == 1 { "command is" } else { "commands are" };
    listed(&names, "and").map(|names| format!("Its {verb} {names}."))
}

/// The words of this kind that the error names.
pub fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// A list as a sentence has it; none of nothing.
fn listed(texts: &[String], joint: &str) -> Option<String> {
    let (last, before) = texts.split_last()?;
    Some(match before {
        [] => last.clone(),
        _ => format!("{} {joint} {last}", before.join(", ")),
    })
}

/// A word that was typed, in quotes where it is more than letters.
pub fn plain(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.=@:/".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("{word:?}"),
    }
}

/// The first line of what clap says, without its heading, as a sentence.
fn first_line(error: &clap::Error) -> String {
    let reason = reason(error);
    let mut rest = reason.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    format!("{}{}.", first.unwrap_or_default(), rest.as_str())
}

/// The first line of what clap says, without its heading and full stop.
pub fn reason(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").trim_end_matches('.').to_owned()
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(text: &str) -> Vec<OsString> {
        text.split(' ').map(Into::into).collect()
    }

    #[test]
    fn the_command_is_found_among_flags_and_their_values() {
        for (typed, command) in [
            ("bosbase", "bosbase"),
            ("bosbase --dir backup list", "bosbase"),
            ("bosbase --dir x backup --dev list backup", "bosbase backup list"),
            ("bosbase backup --dir=x restore serve", "bosbase backup restore"),
            ("bosbase backup restroe list", "bosbase backup"),
            ("bosbase serve -- backup", "bosbase serve"),
            ("bosbase help backup list", "bosbase backup list"),
        ] {
            assert_eq!(command_of(&words_of(typed)).join(" "), command, "{typed}");
        }
    }

    #[test]
    fn no_word_behind_superuser_is_shown_that_may_be_a_password() {
        for typed in [
            "bosbase superuser upsert a@b.co --queryTimeout Secret-1234",
            "bosbase superuser upsert a@b.co --dev=Secret-1234",
            "bosbase superuser upsert a@b.co --Secret-1234",
            "bosbase superuser Secret-1234",
        ] {
            let words = words_of(typed);
            let told = line(&Arguments::grammar().try_get_matches_from(&words).unwrap_err(), &words);
            assert!(!told.contains("Secret"), "{typed}: {told}");
        }
    }

    #[test]
    fn an_error_that_clap_words_alone_is_a_sentence_too() {
        let error = clap::Error::raw(ErrorKind::Io, "something\nis wrong\n");
        let told = line(&error, &words_of("bosbase serve"));
        assert_eq!(told, "Something. See: bosbase serve --help.");
    }
}
