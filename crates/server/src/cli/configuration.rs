//! What is in force: a flag goes before the environment, the environment before the configuration file, the file before
//! what is usual.
//!
//! clap reads the command line alone at first. Then each flag that was not typed and is set elsewhere is added to what
//! was typed, so that one grammar reads all values, and clap reads that.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, FromArgMatches as _};

use super::Failure;
use super::args::{Arguments, Check, Command};
use super::complaint::{command_of, line, reason};
use super::configuration_file::{ConfigurationFile, Usual};
use super::dashes;
use super::environment::{Origin, Variables};
use super::global::{Global, Named};
use super::grammar::in_order;
use super::unheeded::misspelt;

/// Why there is no configuration.
pub enum Refusal {
    /// Somebody asks for help, or for the version.
    Asked(clap::Error),
    /// What was typed, or is set elsewhere, is wrong.
    Wrong(Failure),
}

impl Refusal {
    fn of(error: clap::Error, words: &[OsString]) -> Self {
        match error.use_stderr() {
            true => Self::Wrong(Failure(line(&error, words))),
            false => Self::Asked(error),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Wrong(failure)
    }
}

/// A flag that has a variable.
pub struct Setting {
    /// The variable's name.
    pub name: String,
    pub origin: Origin,
    /// The text that was typed, or is set; the usual one where there is such; none where there is no value.
    pub value: Option<String>,
}

/// Reads the command line, the environment and the configuration file. Also tells of each flag of the command where its
/// value comes from.
///
/// # Errors
///
/// Where one of them makes no sense.
pub fn read() -> Result<(Arguments, Vec<Setting>), Refusal> {
    let typed: Vec<OsString> = std::env::args_os().collect();
    if let Some(line) = dashes::complaint(&typed) {
        return Err(Refusal::Wrong(Failure(line)));
    }
    let refused = |error| Refusal::of(error, &typed);
    let matches = parse(&typed).map_err(refused)?;
    let first = Arguments::from_arg_matches(&matches).map_err(refused)?;
    let environment = Variables::of_process()?;
    let (name, of_command) = deepest(&matches);
    say_idle(&name, of_command);
    let typed_dir = of_command.value_source("dir") == Some(ValueSource::CommandLine);
    let file = file(&first, typed_dir, &environment)?;
    let variables = environment.with_file(file);
    // `config check` says it among its lines, and a directory that is only looked at is seldom the file's.
    if let Some(why) = variables.passed_over()
        && !matches!(first.command, Command::Config { .. } | Command::Check(_))
    {
        super::output::note(why);
    }
    let mut settings = Vec::new();
    let mut added = Vec::new();
    for arg in flags(&name) {
        let Some(variable) = arg.get_env().and_then(|name| name.to_str()).map(str::to_owned) else {
            continue;
        };
        let is_typed = of_command.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        let found = variables.find(&variable).filter(|_| !is_typed);
        let (origin, value) = match found {
            Some((value, origin)) => {
                if arg.is_positional() && listed(value).any(|part| part.starts_with('-')) {
                    let why = "a name does not begin with a dash";
                    return Err(Failure(format!("{variable} ({origin}) can't be read: {why}.")).into());
                }
                added.push((variable.clone(), origin, words(&arg, value)));
                (origin, Some(value.to_owned()))
            }
            None if is_typed => (Origin::Flag, raw(of_command, &arg)),
            None => (Origin::Default, raw(of_command, &arg)),
        };
        settings.push(Setting {
            name: variable,
            origin,
            value,
        });
    }
    let whole = added.iter().flat_map(|(_, _, words)| words.clone());
    let mut arguments = match parse(&with(&typed, whole)) {
        Ok(matches) => Arguments::from_arg_matches(&matches).map_err(refused)?,
        Err(error) => {
            // It names a flag that nobody typed.
            let wrong = added
                .iter()
                .find_map(|(name, origin, words)| Some((name, origin, parse(&with(&typed, words.clone())).err()?)));
            let Some((name, origin, error)) = wrong else {
                return Err(refused(error));
            };
            return Err(Failure(format!("{name} ({origin}) can't be read: {}.", reason(&error))).into());
        }
    };
    variables.require_known(&arguments.global.encryption_env)?;
    // A server says it in its log, and `config check` fails of it.
    if arguments.command.is_configured() && !matches!(arguments.command, Command::Serve(_) | Command::Config { .. }) {
        let lines = misspelt(&variables, &arguments.global.encryption_env);
        lines.iter().for_each(|line| super::output::note(line));
    }
    arguments.global.variables = variables;
    Ok((arguments, settings))
}

/// Reads words by the grammar. Who asks for help is shown the variables as well.
fn parse(words: &[OsString]) -> Result<ArgMatches, clap::Error> {
    Arguments::grammar()
        .try_get_matches_from(in_order(words))
        .map_err(|error| {
            if error.kind() != ErrorKind::DisplayHelp {
                return error;
            }
            // A flag that the command does not honour is not among those that are explained.
            let command: Vec<_> = command_of(words).into_iter().map(OsString::from).collect();
            let asking = [command, vec!["--help".into()]].concat();
            [words, &asking]
                .into_iter()
                .filter_map(|words| Arguments::explained().try_get_matches_from(words).err())
                .find(|explained| explained.kind() == ErrorKind::DisplayHelp)
                .unwrap_or(error)
        })
}

/// The configuration file that is named, or the usual one for commands that are about a data directory.
fn file(first: &Arguments, typed_dir: bool, variables: &Variables) -> Result<Usual, Failure> {
    let typed = first.global.config.as_ref();
    let set = variables.get(Global::CONFIG).map(Into::into);
    match typed.map_or(set, Named::path) {
        Some(path) => return ConfigurationFile::read(&path).map(Usual::File),
        // `--config=`
        None if typed.is_some() || !first.command.is_configured() => return Ok(Usual::None),
        None => {}
    }
    let dir = match &first.command {
        Command::Check(Check {
            directory: Some(directory),
            ..
        }) => Some(directory.to_path_buf()),
        _ if typed_dir => Some(first.global.dir.to_path_buf()),
        _ => variables.get(Global::DIR).map(Into::into),
    };
    ConfigurationFile::read_usual(dir.as_deref())
}

/// The subcommand that was typed, word by word, and what was found of its flags, the global ones among them.
fn deepest(matches: &ArgMatches) -> (Vec<String>, &ArgMatches) {
    let (mut names, mut deepest) = (Vec::new(), matches);
    while let Some((name, below)) = deepest.subcommand() {
        names.push(name.to_owned());
        deepest = below;
    }
    (names, deepest)
}

/// The flags of the command of this name that may be set elsewhere.
fn flags(command: &[String]) -> Vec<Arg> {
    let root = Arguments::explained();
    let found = command.iter().try_fold(&root, |at, name| at.find_subcommand(name));
    let arguments = found.into_iter().flat_map(clap::Command::get_arguments);
    let is_setting = |arg: &&Arg| arg.get_id() != "config" && arg.get_id() != "password";
    arguments.filter(is_setting).cloned().collect()
}

/// Says of flags that were typed and that the command does not honour that they do nothing.
fn say_idle(command: &[String], found: &ArgMatches) {
    let is_typed = |arg: &&Arg| found.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let grammar = Arguments::grammar();
    let idle = grammar
        .get_arguments()
        .filter(is_typed)
        .filter(|arg| !Global::is_honoured(arg.get_id().as_str(), command))
        .filter_map(Arg::get_long);
    for flag in idle {
        super::output::note(&format!("--{flag} has no effect on bosbase {}.", command.join(" ")));
    }
}

/// The words that say `value` of `arg`.
fn words(arg: &Arg, value: &str) -> Vec<OsString> {
    match arg.get_long() {
        Some(flag) => vec![format!("--{flag}={value}").into()],
        // The domains.
        None => listed(value).map(Into::into).collect(),
    }
}

/// The parts of a list, separated by commas or blanks.
fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ']).filter(|part| !part.is_empty())
}

/// `typed` with more flags and domains behind it. Behind a `--` nothing is a flag.
fn with(typed: &[OsString], more: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let (flags, domains): (Vec<_>, Vec<_>) = more
        .into_iter()
        .partition(|word| word.as_encoded_bytes().starts_with(b"--"));
    let end = typed.iter().position(|word| word == "--").unwrap_or(typed.len());
    [&typed[..end], &flags, &typed[end..], &domains].concat()
}

/// The value of `arg` as it was typed, or the usual one.
fn raw(matches: &ArgMatches, arg: &Arg) -> Option<String> {
    let values = matches.get_raw(arg.get_id().as_str())?;
    let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
    Some(values.join(",")).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn what_is_set_elsewhere_is_added_before_what_is_no_flag() {
        let more = words_of("--https=:443 example.com");
        assert_eq!(
            with(&words_of("bosbase serve --http :80 -- a.example"), more.clone()),
            words_of("bosbase serve --http :80 --https=:443 -- a.example example.com")
        );
        assert_eq!(
            with(&words_of("bosbase serve"), more),
            words_of("bosbase serve --https=:443 example.com")
        );
    }

    #[test]
    fn each_flag_has_a_variable() {
        for command in [&["serve"][..], &["config", "check"], &[]] {
            let command: Vec<_> = command.iter().map(|name| (*name).to_owned()).collect();
            for flag in flags(&command) {
                let id = flag.get_id().as_str();
                assert!(flag.get_env().is_some() || matches!(id, "help" | "version"), "{id}");
            }
        }
    }
}
