//! The configuration file: one `KEY=value` a line, with the names of the environment variables.
//!
//! systemd's `EnvironmentFile=`, `docker run --env-file` and a compose file's `env_file:` read the same lines, so that
//! one file configures a service, a container and a command beside them, and no setting has two names. They differ in
//! what quotes mean and in how a value goes on in the next line. Both are refused here: a file means the same to all,
//! or does not start. A `$` and a backslash within a value stand for themselves here and in `docker run`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::Failure;

/// The file that is read where none is named, if it is there.
pub const USUAL: &str = "/etc/bosbase/bosbase.env";

/// The data directory that it is about where it names none: the package's.
const USUAL_DIR: &str = "/var/lib/bosbase";
/// What names one.
const DIR: &str = "BOSBASE_DIR";

/// What became of [`USUAL`].
pub enum Usual {
    None,
    File(ConfigurationFile),
    /// It does not count, for this reason.
    PassedOver(String),
}

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
    /// Reads the file that is named.
    ///
    /// # Errors
    ///
    /// Where it can't be read, or a line of it makes no sense.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_to_string(path).map_err(|error| {
            Failure(format!(
                "The configuration file {} can't be read: {error}.",
                path.display()
            ))
        })?;
        Self::parse(path, &text)
    }

    /// Reads [`USUAL`], if it is there and about the data directory `dir` that was named; where none was, about the one
    /// that it names. It belongs to a service, and others may run the program for other data.
    ///
    /// # Errors
    ///
    /// Why it is passed over, in a sentence; where it can't be read, or a line of it makes no sense.
    pub fn read_usual(dir: Option<&Path>) -> Result<Usual, Failure> {
        let path = Path::new(USUAL);
        let file = match read_to_string(path) {
            Ok(text) => Self::parse(path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Usual::None),
            // It is likely another's. Not for the service's own data: without it they would be served otherwise.
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied
                    && !dir.is_some_and(|dir| is_same(dir, Path::new(USUAL_DIR))) =>
            {
                return Ok(Usual::PassedOver(format!(
                    "The file {USUAL} is not used: this user may not read it."
                )));
            }
            Err(error) => {
                let way = "Run this with sudo, give the file to the group of the server's user (chown root:bosbase, chmod \
                           640), or do without it (--config=)";
                return Err(Failure(format!(
                    "The configuration file {USUAL} can't be read: {error}. {way}."
                )));
            }
        };
        Ok(file.about(dir))
    }

    fn about(self, dir: Option<&Path>) -> Usual {
        let own = self.get(DIR).map(|entry| PathBuf::from(&entry.value));
        let whose = own.clone().unwrap_or_else(|| PathBuf::from(USUAL_DIR));
        match dir {
            Some(dir) if !is_same(dir, &whose) => Usual::PassedOver(format!(
                "The file {USUAL} is not used: it is about {}, and this is about {}. To use it all the same, add --config {USUAL}.",
                whose.display(),
                dir.display()
            )),
            None if own.is_none() => Usual::PassedOver(format!(
                "The file {USUAL} is not used: it is about {0}. If you mean that directory, add --dir {0}.",
                whose.display()
            )),
            _ => Usual::File(self),
        }
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
            if value.contains(" #") {
                return Err(wrong(&format!(
                    "{key} holds a blank and a #, where others see a comment"
                )));
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

/// Whether two paths name one directory, as far as they tell.
fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole(one) == whole(other)
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
        let file = parse("# a comment\n\n  BOSBASE_HTTP=:80  \nA=b=c#d\nB= $x\\y\nEMPTY=\n").unwrap();
        let entry = |key: &String| {
            file.get(key)
                .map(|entry| (key.clone(), entry.value.clone(), entry.line))
        };
        let said: Vec<_> = file.keys().filter_map(entry).collect();
        let said: Vec<_> = said
            .iter()
            .map(|(key, value, line)| (key.as_str(), value.as_str(), *line))
            .collect();
        assert_eq!(said, [("A", "b=c#d", 4), ("B", "$x\\y", 5), ("BOSBASE_HTTP", ":80", 3)]);
    }

    #[test]
    fn what_others_read_differently_is_refused_without_showing_it() {
        for (text, why) in [
            ("A=\"geheim\"", "line 1: A must be written without quotes"),
            ("A='geheim'", "line 1: A must be written without quotes"),
            ("A=geheim #geheim", "line 1: A holds a blank and a #"),
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

    /// The file of the service put what was done to a copy into the service's bucket.
    #[test]
    fn the_usual_file_counts_for_its_own_directory_alone() {
        let counts = |text: &str, dir: Option<&str>| {
            let about = parse(text).unwrap().about(dir.map(Path::new));
            matches!(about, Usual::File(_))
        };
        let (silent, naming) = ("A=1", "BOSBASE_DIR=/srv/app");
        assert!(counts(silent, Some("/var/lib/bosbase")) && counts(silent, Some("/var/lib/bosbase/")));
        assert!(!counts(silent, Some("/tmp/look")) && !counts(silent, None));
        assert!(counts(naming, None) && counts(naming, Some("/srv/app")));
        assert!(!counts(naming, Some("/var/lib/bosbase")) && !counts(naming, Some("pb_data")));
    }

    /// It said "passed over", which nobody understood, and `config check` then that there was no file.
    #[test]
    fn a_file_that_is_not_used_says_so_with_what_to_do() {
        let told = |text: &str, dir: Option<&str>| match parse(text).unwrap().about(dir.map(Path::new)) {
            Usual::PassedOver(why) => why,
            _ => String::new(),
        };
        assert_eq!(
            told("A=1", None),
            format!(
                "The file {USUAL} is not used: it is about {USUAL_DIR}. If you mean that directory, add --dir {USUAL_DIR}."
            )
        );
        assert_eq!(
            told("BOSBASE_DIR=/srv/app", Some("/tmp/look")),
            format!(
                "The file {USUAL} is not used: it is about /srv/app, and this is about /tmp/look. To use it all the same, \
                 add --config {USUAL}."
            )
        );
    }
}
