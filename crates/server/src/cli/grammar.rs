//! The grammar of the command line: one that reads, and one that explains.
//!
//! PocketBase takes its flags with each command, and before it, and so does the one that reads: a unit or a script that
//! was made for it goes on working. The one that explains lists with a command what that honours.

use std::ffi::OsString;

use clap::{Arg, Args as _, Command, CommandFactory as _, Subcommand as _};

use super::args::{self, Arguments, SuperuserAction};
use super::global::Global;

impl Arguments {
    /// What may be typed. The environment is left to [`super::configuration`], which reads the configuration file
    /// beside it; only a password is read by clap, which wants one.
    pub fn grammar() -> Command {
        of_each(Self::command(), &|arg| {
            let is_setting = arg.get_env().is_some_and(|name| name != SuperuserAction::PASSWORD);
            if is_setting { arg.env(None::<&str>) } else { arg }
        })
    }

    /// The same with the variables' names, for those who read about it, and each flag with the commands that honour it.
    pub fn explained() -> Command {
        let reading = Self::command();
        let root = Command::new("bosbase")
            .version(env!("CARGO_PKG_VERSION"))
            .about(reading.get_about().cloned().unwrap_or_default())
            .propagate_version(true);
        let global = Global::augment_args(Command::new("bosbase"));
        let global: Vec<_> = global.get_arguments().map(|arg| arg.clone().global(false)).collect();
        let listed = listing(args::Command::augment_subcommands(root), &[], &global);
        of_each(listed.subcommand_required(true).arg_required_else_help(true), &|arg| {
            arg.hide_env_values(true)
        })
    }
}

/// `words` with the flags of `serve` behind that where they stand before it, as PocketBase takes them.
pub fn in_order(words: &[OsString]) -> Vec<OsString> {
    let mut root = Arguments::grammar();
    root.build();
    let Some(serve) = root.find_subcommand("serve") else {
        return words.to_vec();
    };
    let (mut ordered, mut of_serve) = (Vec::new(), Vec::new());
    let mut rest = words.iter();
    ordered.extend(rest.next().cloned());
    while let Some(word) = rest.next() {
        let text = word.to_str().unwrap_or_default();
        if text == serve.get_name() {
            ordered.push(word.clone());
            ordered.append(&mut of_serve);
            ordered.extend(rest.cloned());
            return ordered;
        }
        let Some(name) = text.strip_prefix("--").filter(|name| !name.is_empty()) else {
            break;
        };
        let is_of_all = flag(&root, name).is_some();
        let to = if is_of_all { &mut ordered } else { &mut of_serve };
        to.push(word.clone());
        if takes_next_word(if is_of_all { &root } else { serve }, name) {
            to.extend(rest.next().cloned());
        }
    }
    // This is another command, or none. An error then tells of the words as they were typed.
    words.to_vec()
}

/// The flag `name` of `command`, which may have a value behind `=`.
fn flag<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let name = name.split('=').next();
    command.get_arguments().find(|arg| arg.get_long() == name)
}

/// Whether the value of the flag `name` of `command` is the next word.
pub fn takes_next_word(command: &Command, name: &str) -> bool {
    let takes = |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    !name.contains('=') && flag(command, name).is_some_and(takes)
}

/// `command`, of this path, with those of the `global` flags that it honours, and its subcommands with theirs.
fn listing(command: Command, path: &[String], global: &[Arg]) -> Command {
    let honoured = global
        .iter()
        .filter(|arg| Global::is_honoured(arg.get_id().as_str(), path));
    command.args(honoured.cloned()).mut_subcommands(|below| {
        let path = [path, &[below.get_name().to_owned()]].concat();
        listing(below, &path, global)
    })
}

/// `command` with each argument changed, its subcommands' too.
fn of_each(command: Command, change: &dyn Fn(Arg) -> Arg) -> Command {
    command
        .mut_args(change)
        .mut_subcommands(|subcommand| of_each(subcommand, change))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_serve_may_stand_before_it() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (typed, read) in [
            ("bosbase --http=a:1 --dir=x serve", "bosbase --dir=x serve --http=a:1"),
            (
                "bosbase --http a:1 --dir serve serve b.co",
                "bosbase --dir serve serve --http a:1 b.co",
            ),
            ("bosbase --dev --origins * serve", "bosbase --dev serve --origins *"),
            ("bosbase serve --http=a:1", "bosbase serve --http=a:1"),
            ("bosbase --http=a:1 backup list", "bosbase --http=a:1 backup list"),
            ("bosbase --http", "bosbase --http"),
            ("bosbase -- serve", "bosbase -- serve"),
        ] {
            assert_eq!(in_order(&words(typed)), words(read), "{typed}");
        }
    }
}
