//! Files that no record names any more, and how they go: at once, after a backup, or from the bucket by and by.

use std::io;
use std::sync::Arc;

use bosbase_disk::{FileKind, LockFile};

use super::announced::Announced;
use super::entries::entries;
use super::local::LocalFiles;
use super::objects::ObjectRemoval;
use super::owner::Owner;
use super::pending::{self, Removal};
use super::place::BucketInForce;
use super::references::References;

/// Removes uploaded files wherever they lie, and what waits to be removed.
pub(super) struct Removing {
    local: Arc<LocalFiles>,
    bucket: Arc<BucketInForce>,
    references: Arc<dyn References>,
    announced: Arc<Announced>,
    objects: ObjectRemoval,
}

impl Removing {
    pub(super) fn new(
        local: Arc<LocalFiles>,
        bucket: Arc<BucketInForce>,
        owner: Arc<Owner>,
        references: Box<dyn References>,
    ) -> Self {
        let (references, announced) = (Arc::from(references), Arc::new(Announced::default()));
        let objects = ObjectRemoval::new(
            local.clone(),
            bucket.clone(),
            owner,
            Arc::clone(&references),
            announced.clone(),
        );
        Self {
            local,
            bucket,
            references,
            announced,
            objects,
        }
    }

    pub(super) fn local(&self) -> &LocalFiles {
        &self.local
    }

    pub(super) fn announced(&self) -> &Announced {
        &self.announced
    }

    pub(super) fn objects(&self) -> &ObjectRemoval {
        &self.objects
    }

    /// Removes what an earlier process left: uploads half received or in place for a record that was never committed,
    /// files of records whose deletion was. Only for the start of the one server of a data directory: it does not ask
    /// whether anybody else is still writing.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub(super) fn clean_uploads(&self) -> io::Result<()> {
        let disk = self.local.disk();
        for noted in pending::all(disk, &self.local.state().undecided_files())? {
            let (path, removal) = noted?;
            if let Removal::Files { collection, record, .. } = &removal {
                pending::remove_temporaries(disk, &self.local.record_dir(collection, record)?)?;
            }
            self.remove(&removal)?;
            disk.remove_file(&path)?;
        }
        pending::remove_temporaries(disk, &self.local.state().undecided_files())?;
        self.local.disk().remove_dir_all(&self.local.state().uploads())
    }

    /// Removes from the data directory and from the bucket in force; from the latter it is enough that it is written
    /// down.
    pub(super) fn remove(&self, removal: &Removal) -> io::Result<()> {
        if let Removal::InBucket { place, removal } = removal {
            return self.objects.postpone(place, removal);
        }
        let remote_files = match self.bucket.place() {
            Some(place) => self.objects.postpone(&place, removal),
            None => Ok(()),
        };
        self.remove_here(removal).and(remote_files)
    }

    fn remove_here(&self, removal: &Removal) -> io::Result<()> {
        self.local.disk().create_dir_all(self.local.state())?;
        let removed = match LockFile::try_shared(&self.local.state().files_lock())? {
            Some(_shared) => self.perform(removal),
            None => Err(io::ErrorKind::WouldBlock.into()),
        };
        match removed {
            Ok(()) => Ok(()),
            Err(error) => {
                pending::remember(self.local.disk(), &self.local.state().pending_deletes(), removal).map(drop)?;
                if error.kind() == io::ErrorKind::WouldBlock {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Carries out the removals that were put off, in the data directory at once and in the bucket by and by; does
    /// nothing while a backup is under way, or where this process is not in charge ([`super::FileStore::take_charge`]).
    /// What has come to be named again since then is kept.
    ///
    /// # Errors
    ///
    /// Any error of the file system or the database of the data directory; the next call tries the rest again.
    pub(super) fn purge_pending(&self) -> io::Result<()> {
        if !self.objects.is_in_charge() {
            return Ok(());
        }
        let disk = self.local.disk();
        let mut failed = None;
        for noted in pending::all(disk, &self.local.state().pending_deletes())? {
            let (path, removal) = noted?;
            let Some(_shared) = LockFile::try_shared(&self.local.state().files_lock())? else {
                break;
            };
            // One that can't be carried out must not keep the others from being.
            if let Err(error) = self.perform(&removal).and_then(|()| disk.remove_file(&path)) {
                failed.get_or_insert(error);
            }
        }
        self.objects.purge();
        failed.map_or(Ok(()), Err)
    }

    fn perform(&self, removal: &Removal) -> io::Result<()> {
        match removal {
            Removal::Files {
                collection,
                record,
                names,
            } => {
                let named = self.references.files_of(collection, record)?.unwrap_or_default();
                let dir = self.local.record_dir(collection, record)?;
                for name in names.iter().filter(|name| !named.contains(*name)) {
                    self.local.remove_one(&dir, name)?;
                }
                // A record whose next files are on their way needs its folder.
                let announced = self.announced.hold();
                if announced.has(collection, record) {
                    return Ok(());
                }
                self.local.remove_empty(&dir)
            }
            Removal::Collection { collection } => self.remove_orphans(collection),
            Removal::All(removals) => removals.iter().try_for_each(|removal| self.perform(removal)),
            // Not here.
            Removal::InBucket { .. } => Ok(()),
        }
    }

    fn remove_orphans(&self, collection: &str) -> io::Result<()> {
        let disk = self.local.disk();
        let dir = self.local.collection_dir(collection)?;
        for entry in entries(disk, &dir)? {
            let entry = entry?;
            let Some(record) = entry.name.to_str().filter(|_| entry.kind == FileKind::Directory) else {
                continue;
            };
            // Held until the folder is gone: a record of this id that is just being made has to wait with its files.
            let announced = self.announced.hold();
            if !announced.has(collection, record) && self.references.files_of(collection, record)?.is_none() {
                disk.remove_dir_all(&dir.join(record))?;
            }
        }
        self.local.remove_empty(&dir)
    }
}
