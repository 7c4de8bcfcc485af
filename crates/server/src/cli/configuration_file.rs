//! The configuration file: one `KEY=value` a line, with the names of the environment variables.
//!
//! systemd's `EnvironmentFile=`, `docker run --env-file` and a compose file's `env_file:` read the same lines, so that
//! one file configures a service, a container and a command beside them, and no setting has two names. They differ in
//! what quotes mean and in how a value goes on in the next line. Both are refused here: a file means the same to all, or
//! does not start. A `$` and a backslash within a value stand for themselves here and in `docker run`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::Failure;

/// The file that is read where none is named, if it is there.
pub const USUAL: &str = "/etc/bosbase/bosbase.env";

/// What a file says.
#[derive(Clone)]
pub struct ConfigurationFile {
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

/// One line of it.
#[derive(Clone)]
pub struct Entry {
    pub value: String,
    /// The line's number, counted from 1.
    pub line: usize,
}

impl ConfigurationFile {
    /// Reads the file that is named, or [`USUAL`] where none is and it is there.
    ///
    /// # Errors
    ///
    /// Where it can't be read, or a line of it makes no sense.
    pub fn read(named: Option<&Path>) -> Result<Option<Self>, Failure> {
        let path = named.unwrap_or(Path::new(USUAL));
        let text = match read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let way = match named {
                    Some(_) => "",
                    None => " Run this as root or as the server's user, or with --config= to do without the file.",
                };
                let path = path.display();
                return Err(Failure(format!(
                    "The configuration file {path} can't be read: {error}.{way}"
                )));
            }
        };
        Self::parse(path, &text).map(Some)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            // What is no key may be a secret that was pasted.
            let wrong = |why: &str| Failure(format!("{}, line {line}: {why}.", path.display()));
            let (key, value) = content.split_once('=').filter(|(key, _)| is_key(key)).ok_or_else(|| {
                wrong("KEY=value is expected, with a key of A-Z, 0-9 and _ and without a blank before =")
            })?;
            let value = value.trim_start();
            if value.starts_with(['"', '\'']) {
                return Err(wrong(&format!("{key} must be written without quotes")));
            }
            if value.ends_with('\\') {
                return Err(wrong(&format!(
                    "{key} ends in a backslash, and a value can't go on in the next line"
                )));
            }
            if let Some(before) = entries.get(key) {
                let before = before.line;
                return Err(wrong(&format!("{key} is set in line {before} already")));
            }
            let value = value.to_owned();
            entries.insert(key.to_owned(), Entry { value, line });
        }
        let path = path.to_owned();
        Ok(Self { path, entries })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says of `key`. As in the environment, an empty value is none.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| !entry.value.is_empty())
    }

    /// All keys, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.entries.keys()
    }

    /// What is said of a `key` of this file that is wrong.
    pub fn failure(&self, key: &str, why: &str) -> Failure {
        let line = self.entries.get(key).map_or(0, |entry| entry.line);
        Failure(format!("{}, line {line}: {key} {why}.", self.path.display()))
    }
}

fn is_key(text: &str) -> bool {
    let first = |letter: char| letter.is_ascii_uppercase() || letter == '_';
    text.starts_with(first) && text.chars().all(|letter| first(letter) || letter.is_ascii_digit())
}

/// Reads a file that is none of the application's data.
#[expect(
    clippy::disallowed_methods,
    reason = "no data, and read before there is a data directory"
)]
fn read_to_string(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigurationFile, String> {
        ConfigurationFile::parse(Path::new("b.env"), text).map_err(|failure| failure.0)
    }

    #[test]
    fn a_line_sets_a_value_as_it_stands() {
        let file = parse("# a comment\n\n  BOSBASE_HTTP=:80  \nA=b=c #d\nB= $x\\y\nEMPTY=\n").unwrap();
        let entry = |key: &String| {
            file.get(key)
                .map(|entry| (key.clone(), entry.value.clone(), entry.line))
        };
        let said: Vec<_> = file.keys().filter_map(entry).collect();
        let said: Vec<_> = said
            .iter()
            .map(|(key, value, line)| (key.as_str(), value.as_str(), *line))
            .collect();
        assert_eq!(
            said,
            [("A", "b=c #d", 4), ("B", "$x\\y", 5), ("BOSBASE_HTTP", ":80", 3)]
        );
    }

    #[test]
    fn what_others_read_differently_is_refused_without_showing_it() {
        for (text, why) in [
            ("A=\"geheim\"", "line 1: A must be written without quotes"),
            ("A='geheim'", "line 1: A must be written without quotes"),
            ("A=1\nB=geheim\\", "line 2: B ends in a backslash"),
            ("A=geheim\n\nA=2", "line 3: A is set in line 1 already"),
            ("geheim", "line 1: KEY=value is expected"),
            ("geheim==", "line 1: KEY=value is expected"),
            ("A =geheim", "line 1: KEY=value is expected"),
            ("export A=geheim", "line 1: KEY=value is expected"),
            ("1A=geheim", "line 1: KEY=value is expected"),
            ("=geheim", "line 1: KEY=value is expected"),
        ] {
            let said = parse(text).err().unwrap();
            assert!(said.contains(why) && !said.contains("geheim"), "{text}: {said}");
        }
    }
}
