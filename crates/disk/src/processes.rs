//! Other programs that work on a folder, as Linux tells of them in `/proc` (proc(5)).
//!
//! Nothing in the folder is opened for it: closing a descriptor of a database would drop this process's own locks of it
//! (<https://sqlite.org/howtocorrupt.html>, section 2.2).
#![allow(
    clippy::disallowed_methods,
    reason = "this is one of the places that the rest of the program goes through"
)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A process that is not this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// What it was called with, its program first.
    pub arguments: Vec<OsString>,
}

/// The processes that have one of the files called `names` in `dir` open or locked, or whose arguments are those of a
/// server on `dir` (`serve --dir DIR`, or with the folder called `usual` beside its program). Those of other users show
/// by their locks and arguments alone, those of other containers not at all. Other instances of this very program are
/// left out, and who holds `own_lock`, which this program alone takes: its file may be another one since, by an upgrade.
#[must_use]
pub fn processes_at(dir: &Path, names: &[&str], usual: &str, own_lock: &Path) -> Vec<Process> {
    let Ok(dir) = fs::canonicalize(dir) else {
        return Vec::new();
    };
    let id = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let files: BTreeSet<(u64, u64)> = names.iter().filter_map(|name| id(&dir.join(name))).collect();
    let table = fs::read_to_string("/proc/locks").unwrap_or_default();
    let lockers_of = |kind: &str, files: &BTreeSet<(u64, u64)>| lockers(&table, kind, files);
    let (lockers, own_lockers) = (
        lockers_of("POSIX", &files),
        lockers_of("FLOCK", &id(own_lock).into_iter().collect()),
    );
    let own = fs::metadata("/proc/self/exe")
        .ok()
        .map(|found| (found.dev(), found.ino()));
    let Ok(all) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut found = Vec::new();
    for pid in pids.filter(|pid| *pid != std::process::id() && !own_lockers.contains(pid)) {
        let home = PathBuf::from(format!("/proc/{pid}"));
        let program = fs::metadata(home.join("exe"))
            .ok()
            .map(|found| (found.dev(), found.ino()));
        if program.is_some() && program == own {
            continue;
        }
        let arguments = arguments(&fs::read(home.join("cmdline")).unwrap_or_default());
        if lockers.contains(&pid) || has_open(&home, &files) || serves(&home, &arguments, &dir, usual) {
            found.push(Process { pid, arguments });
        }
    }
    found
}

/// Who holds a lock of a kind (`POSIX`, `FLOCK`) of one of the files (device and number), according to `/proc/locks`.
fn lockers(table: &str, kind: &str, files: &BTreeSet<(u64, u64)>) -> BTreeSet<u32> {
    let locker = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        // A blocked one has an arrow in front, and is none.
        if fields.next()? != kind {
            return None;
        }
        let pid = fields.nth(2)?.parse().ok()?;
        let mut place = fields.next()?.split(':');
        let major = u32::from_str_radix(place.next()?, 16).ok()?;
        let minor = u32::from_str_radix(place.next()?, 16).ok()?;
        let inode = place.next()?.parse().ok()?;
        files
            .contains(&(rustix::fs::makedev(major, minor), inode))
            .then_some(pid)
    };
    table.lines().filter_map(locker).collect()
}

fn has_open(home: &Path, files: &BTreeSet<(u64, u64)>) -> bool {
    let Ok(descriptors) = fs::read_dir(home.join("fd")) else {
        return false;
    };
    descriptors
        .filter_map(|entry| fs::metadata(entry.ok()?.path()).ok())
        .any(|found| files.contains(&(found.dev(), found.ino())))
}

fn arguments(line: &[u8]) -> Vec<OsString> {
    let parts = line.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    parts.map(|part| OsString::from_vec(part.to_vec())).collect()
}

/// Whether the arguments are those of a server on `dir`.
fn serves(home: &Path, arguments: &[OsString], dir: &Path, usual: &str) -> bool {
    if command(arguments).is_none_or(|command| command != "serve") {
        return false;
    }
    let named = named_dir(arguments).map_or_else(
        || Some(fs::read_link(home.join("exe")).ok()?.parent()?.join(usual)),
        |named| Some(fs::read_link(home.join("cwd")).unwrap_or_default().join(named)),
    );
    named
        .and_then(|named| fs::canonicalize(named).ok())
        .is_some_and(|named| named == dir)
}

/// The first argument that is no flag, and no flag's value: of what only starts a server (`sudo`, `timeout`, a
/// container's first process) that is another program.
fn command(arguments: &[OsString]) -> Option<&OsString> {
    const WITH_VALUE: [&str; 7] = [
        "dir",
        "encryptionEnv",
        "hooksDir",
        "hooksPool",
        "migrationsDir",
        "publicDir",
        "queryTimeout",
    ];
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        let text = argument.to_string_lossy();
        if !text.starts_with('-') {
            return Some(argument);
        }
        if WITH_VALUE.contains(&text.trim_start_matches('-')) {
            rest.next();
        }
    }
    None
}

/// What follows `--dir`.
fn named_dir(arguments: &[OsString]) -> Option<PathBuf> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let argument = argument.to_string_lossy();
        if argument == "--dir" || argument == "-dir" {
            return rest.next().map(PathBuf::from);
        }
        if let Some(named) = argument
            .strip_prefix("--dir=")
            .or_else(|| argument.strip_prefix("-dir="))
        {
            return Some(PathBuf::from(named));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holders_of_a_files_locks_are_read() {
        let table = "1: POSIX  ADVISORY  READ  4711 08:01:131 1073741826 1073742335\n\
                     1: -> POSIX  ADVISORY  WRITE 4712 08:01:131 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 4713 08:01:131 0 EOF\n\
                     3: POSIX  ADVISORY  WRITE 4714 08:01:132 0 EOF\n";
        let files = BTreeSet::from([(rustix::fs::makedev(8, 1), 131)]);
        assert_eq!(lockers(table, "POSIX", &files), BTreeSet::from([4711]));
        assert_eq!(lockers(table, "FLOCK", &files), BTreeSet::from([4713]));
    }

    #[test]
    fn the_named_folder_is_found_however_it_is_written() {
        let args = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in ["pb serve --dir /x", "pb --dir=/x serve", "pb serve -dir /x"] {
            assert_eq!(named_dir(&args(line)), Some(PathBuf::from("/x")), "{line}");
        }
        assert_eq!(named_dir(&args("pb serve")), None);
    }

    /// A server was not to start since what had started it had its arguments.
    #[test]
    fn what_starts_a_server_is_none() {
        let is_serve = |line: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            command(&args).is_some_and(|command| command == "serve")
        };
        for line in [
            "pb serve --dir /x",
            "pb --dir /x serve",
            "pb --dev --dir=/x serve",
            "pb --publicDir /p --migrationsDir /m --hooksDir /h --hooksPool 3 serve",
            "pb serve",
        ] {
            assert!(is_serve(line), "{line}");
        }
        for line in [
            "sudo bosbase serve --dir /x",
            "timeout 60 bosbase serve --dir /x",
            "tini -- bosbase serve --dir /x",
            "pb superuser upsert serve x",
            "pb",
        ] {
            assert!(!is_serve(line), "{line}");
        }
    }

    /// What a process of another program has open is seen, and nothing of this one.
    #[test]
    fn a_process_that_has_a_file_open_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.db");
        fs::write(&path, b"x").unwrap();
        let lock = dir.path().join("serve.lock");
        let open = fs::File::open(&path).unwrap();
        assert_eq!(processes_at(dir.path(), &["data.db"], "pb_data", &lock), []);
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .stdin(open)
            .spawn()
            .unwrap();
        let find = || processes_at(dir.path(), &["data.db"], "pb_data", &lock);
        // Until it is the other program that runs.
        let found = (0..500).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            Some(find()).filter(|found| !found.is_empty())
        });
        child.kill().unwrap();
        child.wait().unwrap();
        let found = found.unwrap();
        assert_eq!((found[0].pid, found[0].arguments.len()), (child.id(), 2));
        assert_eq!(find(), []);
    }
}
