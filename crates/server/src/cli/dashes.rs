//! One dash before a whole name, as Go's own flags are written: `-http=:80`. clap reads a flag of one letter for each of
//! its letters, so that `-http` is `-h`, and prints the help.

use std::ffi::OsString;

use clap::Command;

use super::args::Arguments;
use super::complaint::{command_of, form, is_about_superusers, plain, unshown};
use super::grammar::takes_next_word;

/// What is said of the first of `words` that is written so.
pub fn complaint(words: &[OsString]) -> Option<String> {
    let mut root = Arguments::grammar();
    root.build();
    let mut at = &root;
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        let word = word.to_str().unwrap_or_default();
        if word == "--" {
            return None;
        }
        if let Some(flag) = word.strip_prefix("--") {
            if takes_next_word(at, flag) {
                rest.next();
            }
        } else if let Some(name) = name_of(word) {
            return Some(line(&root, at, name, words));
        } else {
            at = at.find_subcommand(word).unwrap_or(at);
        }
    }
    None
}

/// The name behind one dash; a letter is none, and neither is a number.
fn name_of(word: &str) -> Option<&str> {
    let name = word.strip_prefix('-')?.split('=').next()?;
    let is_name = name.len() > 1 && name.starts_with(|first: char| first.is_ascii_alphabetic());
    is_name.then_some(name)
}

fn line(root: &Command, at: &Command, name: &str, words: &[OsString]) -> String {
    let path = command_of(words);
    let command = path.join(" ");
    // Those of `serve` may stand before it.
    let before = (at.get_name() == root.get_name()).then(|| root.find_subcommand("serve"));
    let arguments = [Some(at), before.flatten()].into_iter().flatten();
    let known = arguments
        .flat_map(Command::get_arguments)
        .filter_map(clap::Arg::get_long)
        .find(|known| known.eq_ignore_ascii_case(name));
    let told = match known {
        Some(known) => format!("A flag has two dashes: --{known}, not -{name}."),
        None => {
            let told = match is_about_superusers(words) {
                true => unshown(&command),
                false => format!("{command} does not take {}.", plain(&format!("-{name}"))),
            };
            let form = form(&path).map(|form| format!(" {form}")).unwrap_or_default();
            format!("{told}{form}")
        }
    };
    format!("{told} See: {command} --help.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(typed: &str) -> Option<String> {
        let words: Vec<OsString> = typed.split(' ').map(Into::into).collect();
        complaint(&words)
    }

    /// `-http` printed the help and ended with 0, as if all were well: of a service, nothing said that it was not running.
    #[test]
    fn every_flag_of_every_command_is_known_behind_one_dash() {
        let mut root = Arguments::grammar();
        root.build();
        let mut tried = 0;
        let mut left = vec![(vec!["bosbase".to_owned()], &root)];
        while let Some((path, command)) = left.pop() {
            for long in command.get_arguments().filter_map(clap::Arg::get_long) {
                for value in ["", "=x", " x"] {
                    let typed = format!("{} -{long}{value}", path.join(" "));
                    let said = told(&typed).unwrap_or_default();
                    assert!(
                        said.contains(&format!("two dashes: --{long}, not -{long}.")),
                        "{typed}: {said}"
                    );
                    tried += 1;
                }
            }
            for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
                left.push(([path.clone(), vec![below.get_name().to_owned()]].concat(), below));
            }
        }
        assert!(tried > 300, "{tried}");
        assert!(told("bosbase -http=:80 serve").unwrap().contains("--http, not -http"));
        assert!(
            told("bosbase serve -publicdir x")
                .unwrap()
                .contains("--publicDir, not -publicdir")
        );
    }

    #[test]
    fn what_is_no_flag_behind_one_dash_is_told_too_unless_it_may_be_a_password() {
        let said = told("bosbase backup restore -hunter").unwrap();
        assert_eq!(
            said,
            "bosbase backup restore does not take -hunter. It is: bosbase backup restore <KEY>. See: bosbase backup restore --help."
        );
        let said = told("bosbase superuser upsert a@b.co -hunter2").unwrap();
        assert!(
            said.contains("may be a password") && !said.contains("hunter2"),
            "{said}"
        );
        assert!(
            said.contains("It is: bosbase superuser upsert <EMAIL> <PASSWORD>."),
            "{said}"
        );
    }

    #[test]
    fn values_numbers_letters_and_what_stands_behind_two_dashes_are_no_such_flags() {
        for typed in [
            "bosbase -h",
            "bosbase serve -V",
            "bosbase serve --queryTimeout -1",
            "bosbase serve --hooksPool=-5",
            "bosbase --dir -http serve",
            "bosbase backup restore -- -http",
            "bosbase backup list --dir=-x",
            "bosbase serve",
        ] {
            assert_eq!(told(typed), None, "{typed}");
        }
    }
}
