//! A data directory that a backup is restored into, on a disk that can be made to fail.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use bosbase_backup::restore::{Recovered, RestoreOutcome, Site, StagedCheck, recover, stage};
use bosbase_backup::{BackupKey, DataDir, NoProgress, NoSteps, Result, Sources, Steps};
use bosbase_disk::fault::FaultDisk;
use jiff::Timestamp;

use super::files::{MemoryFile, MemoryFiles, RemoteFiles};
use super::{Bytes, Fine, Tree, data, folder_in_memory, open, put};

pub const KEY: &str = "good.zip";

/// A data directory with old data in it and a backup of other data in its `backups/`.
pub struct House {
    _root: tempfile::TempDir,
    pub dir: DataDir,
    pub disk: FaultDisk,
    pub old: Tree,
    pub new: Tree,
    /// Where the new data keeps its uploaded files, if not on the disk.
    pub files: Option<MemoryFiles>,
}

/// Made once: the fault matrices need a fresh house a thousand times.
static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();

fn archive_of(other: &Path) -> Vec<u8> {
    let sources = Sources {
        data_dir: DataDir::at(other),
        databases: vec![Bytes::database("data.db", 9000), Bytes::database("auxiliary.db", 10)],
        required_files: Box::new(std::iter::empty()),
        remote_files: None,
    };
    let shelf = tempfile::tempdir().unwrap();
    super::make(shelf.path(), KEY, sources).unwrap();
    std::fs::read(shelf.path().join("backups").join(KEY)).unwrap()
}

impl House {
    pub fn new() -> Self {
        let root = folder_in_memory();
        let dir = DataDir::at(root.path().join("pb_data"));
        let other = root.path().join("other");
        std::fs::create_dir_all(root.path().join("graves")).unwrap();
        for (name, bytes) in [
            ("storage/c1/r1/new.txt", "new"),
            ("storage/c2/r2/two.txt", "two"),
            ("types.d.ts", "new"),
        ] {
            put(&other, name, bytes.as_bytes());
        }
        put(
            &dir,
            &format!("backups/{KEY}"),
            ARCHIVE.get_or_init(|| archive_of(&other)),
        );
        let mut new = data(&other);
        for database in [Bytes::database("data.db", 9000), Bytes::database("auxiliary.db", 10)] {
            new.insert(database.0.to_owned(), database.1);
        }
        for (name, bytes) in [
            ("data.db", "SQLite format 3\0 old"),
            ("data.db-wal", "old log"),
            ("data.db-shm", "old index"),
            ("auxiliary.db", "SQLite format 3\0 old too"),
            ("storage/c1/r1/old.txt", "old"),
            ("storage/c9/r9/nine.txt", "nine"),
            ("foreign.txt", "mine"),
        ] {
            put(&dir, name, bytes.as_bytes());
        }
        let disk = FaultDisk::new(&root.path().join("graves"));
        let old = data(&dir);
        Self {
            _root: root,
            dir,
            disk,
            old,
            new,
            files: None,
        }
    }

    /// One whose new data keeps its uploaded files elsewhere, where one of them is already.
    pub fn remote_files() -> Self {
        let mut house = Self::new();
        house.new.retain(|name, _| !name.starts_with("storage/"));
        house.files = Some(Self::files_before());
        house
    }

    pub fn files_before() -> MemoryFiles {
        let files = MemoryFiles::default();
        files.add("c1/r1/new.txt", b"new", None);
        files.add("c/r/old.txt", b"the old data names it", None);
        files
    }

    /// Does what the next start does about files elsewhere, once it has the one or the other data, and checks what is
    /// there.
    pub fn settle_files(&self, new: bool, what: &str) {
        let Some(files) = &self.files else { return };
        files.restart(new);
        let mut expected = Self::files_before().files();
        let mut found = files.files();
        if new {
            expected.insert("c2/r2/two.txt".to_owned(), expected["c1/r1/new.txt"].clone());
        }
        let names = |files: &BTreeMap<String, MemoryFile>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected), "{what}");
        if let Some(two) = found.remove("c2/r2/two.txt") {
            assert_eq!(two.bytes, b"two", "{what}");
            expected.remove("c2/r2/two.txt");
        }
        assert!(found == expected, "{what}: what was there was changed");
    }

    pub fn mounted() -> Self {
        let house = Self::new();
        house
            .disk
            .set_mounts(vec![house.dir.join("storage/c1"), house.dir.join("backups")]);
        house
    }

    pub fn site<'a>(&'a self, steps: &'a dyn Steps) -> Site<'a> {
        Site {
            disk: &self.disk,
            data_dir: &self.dir,
            steps,
            now: Timestamp::now(),
        }
    }

    pub fn stage_and_commit(&self) -> Result<()> {
        let archive = open(&self.dir, KEY)?;
        let key = BackupKey::existing(KEY)?;
        let check: Box<dyn StagedCheck> = match &self.files {
            None => Box::new(Fine),
            Some(files) => Box::new(RemoteFiles(files.clone())),
        };
        stage(self.site(&NoSteps), &archive, &key, check.as_ref(), &NoProgress)?
            .commit()
            .map(drop)
    }

    /// What the server does at its start when the new data opens well.
    pub fn start(&self) -> Result<Option<RestoreOutcome>> {
        let recovery = recover(self.site(&NoSteps))?;
        if let Some(e) = recovery.uncleaned {
            return Err(e);
        }
        match recovery.state {
            Recovered::Clean => Ok(None),
            Recovered::RolledBack(outcome) => Ok(Some(outcome)),
            Recovered::Switched(switched) => {
                // What an earlier start left that died while it opened the data is recovered by SQLite.
                let _ = std::fs::remove_file(self.dir.join("data.db-wal"));
                let found = data(&self.dir);
                assert!(
                    found == self.new,
                    "new data on probation is not whole: {:?}",
                    found.keys()
                );
                switched.confirm().map(Some)
            }
        }
    }

    pub fn start_and_fail_to_open(&self) -> Result<RestoreOutcome> {
        match recover(self.site(&NoSteps))?.state {
            Recovered::Clean => panic!("nothing was restored"),
            Recovered::RolledBack(outcome) => Ok(outcome),
            Recovered::Switched(switched) => {
                // Opening leaves things behind.
                put(&self.dir, "data.db-wal", b"new log");
                switched.roll_back("it would not open")
            }
        }
    }

    /// `true` if the data is new, `false` if it is old, and a failure if it is anything else.
    pub fn is_new(&self, what: &str) -> bool {
        let found = data(&self.dir);
        assert!(
            found == self.old || found == self.new,
            "{what}: a mix: {:?}",
            found.keys()
        );
        found == self.new
    }

    pub fn debris(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in [".bosbase", "storage", "storage/c1", "storage/c2"] {
            for entry in std::fs::read_dir(self.dir.join(folder)).into_iter().flatten() {
                found.push(format!(
                    "{folder}/{}",
                    entry.unwrap().file_name().into_string().unwrap()
                ));
            }
        }
        found.retain(|n| n.contains("staging-") || n.ends_with(".tmp") || n.ends_with(".journal"));
        found
    }
}
