//! The grammar of the command line: one that reads, and one that explains.
//!
//! PocketBase takes its flags with each command, and before it, and so does the one that reads: a unit or a script that
//! was made for it goes on working. The one that explains lists with a command what that honours.

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
