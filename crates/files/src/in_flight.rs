//! Records whose files are put in place for a commit that is still to come.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bosbase_disk::Disk;

use super::pending::Removal;
use super::removing::Removing;
use super::upload::Upload;

/// A record whose files are being written. While it lives, nobody takes its folder for a leftover.
///
/// Dropped, it leaves what was placed to be named by the record; see [`InFlight::settle`].
pub struct InFlight {
    removing: Arc<Removing>,
    key: (String, String),
    placed: Vec<Placed>,
    counted: bool,
}

/// Files that were put in place together.
struct Placed {
    names: Vec<String>,
    /// The bucket that they were put in; `None` for the data directory.
    place: Option<String>,
    /// Where it is written down what to remove should this process not get to decide about the commit.
    note: Option<PathBuf>,
}

impl Placed {
    /// Removes the note. One that stays is held against the database at the next start, and then finds its files named
    /// or gone.
    fn forget(self, disk: &dyn Disk) {
        if let Some(note) = self.note {
            let _ = disk.remove_file(&note);
        }
    }
}

impl InFlight {
    /// Announces that files of this record are about to be put in place.
    pub(super) fn begin(removing: Arc<Removing>, collection: &str, record: &str) -> Self {
        let key = (collection.to_owned(), record.to_owned());
        removing.announced().add(&key);
        Self {
            removing,
            key,
            placed: Vec::new(),
            counted: true,
        }
    }

    /// Collection and record.
    pub(super) fn key(&self) -> (&str, &str) {
        (&self.key.0, &self.key.1)
    }

    /// Forgets what was noted last, which is not there any more.
    pub(super) fn forget_last(&mut self, taken_back: bool) {
        if let Some(last) = self.placed.pop()
            && taken_back
        {
            last.forget(self.removing.local().disk());
        }
    }

    /// Whether nothing was put in place yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.placed.is_empty()
    }

    /// Whether this is about the files of this record.
    #[must_use]
    pub fn is_of(&self, collection: &str, record: &str) -> bool {
        self.key.0 == collection && self.key.1 == record
    }

    /// Takes back what was placed but for the files called `kept`, those that the record names: none where its commit
    /// did not happen.
    ///
    /// # Errors
    ///
    /// As [`FileStore::remove_files`](super::FileStore::remove_files).
    pub fn settle(mut self, kept: &[String]) -> io::Result<()> {
        self.release();
        let (collection, record) = self.key.clone();
        let mut outcome = Ok(());
        for placed in &mut self.placed {
            let names = placed.names.iter().filter(|name| !kept.contains(name));
            let names: Vec<String> = names.cloned().collect();
            if names.is_empty() {
                continue;
            }
            let removal = Removal::Files {
                collection: collection.clone(),
                record: record.clone(),
                names,
            };
            let taken_back = match &placed.place {
                // Also where another bucket is set by now.
                Some(place) => self.removing.objects().postpone(place, &removal),
                None => self.removing.remove(&removal),
            };
            if let Err(error) = taken_back {
                // Not to be forgotten when this is dropped.
                placed.note = None;
                outcome = Err(error);
            }
        }
        outcome
    }

    pub(super) fn note(&mut self, uploads: &[&Upload], place: Option<String>, note: PathBuf) {
        self.placed.push(Placed {
            names: uploads.iter().map(|upload| upload.name().to_owned()).collect(),
            place,
            note: Some(note),
        });
    }

    fn release(&mut self) {
        if !std::mem::take(&mut self.counted) {
            return;
        }
        self.removing.announced().take_back(&self.key);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.release();
        for placed in std::mem::take(&mut self.placed) {
            placed.forget(self.removing.local().disk());
        }
    }
}
