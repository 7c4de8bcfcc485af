//! The schema that was committed last, for those who read.

use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};

use crate::model::schema::Schema;

/// The published schema. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Published(Arc<Cells>);

#[derive(Default)]
struct Cells {
    /// The writer holds it exclusively while it commits a change to it, a reader holds it shared while its transaction
    /// begins; so no reader sees one state of the collections and another of their tables.
    held: RwLock<Arc<Schema>>,
    /// The same for those who begin no transaction. Nobody holds it for longer than a copy takes: they must not wait
    /// for the disk, as async threads are among them.
    latest: RwLock<Arc<Schema>>,
}

impl Published {
    pub(crate) fn new(schema: Arc<Schema>) -> Self {
        Self(Arc::new(Cells {
            held: RwLock::new(Arc::clone(&schema)),
            latest: RwLock::new(schema),
        }))
    }

    /// The collections as last committed, without waiting for a commit under way.
    pub(crate) fn latest(&self) -> Arc<Schema> {
        Arc::clone(&self.0.latest.read())
    }

    /// The same, which stays so while this is held: for one whose transaction begins.
    pub(crate) fn hold(&self) -> RwLockReadGuard<'_, Arc<Schema>> {
        self.0.held.read()
    }

    /// As [`Published::hold`]; nothing while a change is committed.
    pub(crate) fn hold_at_once(&self) -> Option<RwLockReadGuard<'_, Arc<Schema>>> {
        self.0.held.try_read()
    }

    /// Commits a change to `schema`: no reader begins while `commit` runs, which calls what it is given as soon as the
    /// change is durable.
    pub(crate) fn change<T>(&self, schema: &Arc<Schema>, commit: impl FnOnce(&mut dyn FnMut()) -> T) -> T {
        let mut held = self.0.held.write();
        commit(&mut || {
            *held = Arc::clone(schema);
            *self.0.latest.write() = Arc::clone(schema);
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    /// Each request asks for the collections on an async thread. A commit that added one kept all of these waiting until
    /// the disk had it.
    #[test]
    fn the_collections_can_be_asked_for_while_a_change_to_them_is_committed() {
        let before = Arc::new(Schema::default());
        let after = Arc::new(Schema::default());
        let published = Published::new(Arc::clone(&before));
        let asked = || {
            let (published, (answer, answered)) = (published.clone(), channel());
            std::thread::spawn(move || answer.send(published.latest()));
            answered
                .recv_timeout(Duration::from_secs(30))
                .expect("it waits for the commit")
        };
        published.change(&after, |publish| {
            assert!(Arc::ptr_eq(&asked(), &before));
            assert!(
                published.hold_at_once().is_none(),
                "a transaction begins in the middle of it"
            );
            publish();
            assert!(Arc::ptr_eq(&asked(), &after));
        });
        assert!(Arc::ptr_eq(&published.hold(), &after));
        // One that fails publishes nothing.
        published.change(&before, |_| ());
        assert!(Arc::ptr_eq(&asked(), &after) && Arc::ptr_eq(&published.hold(), &after));
    }
}
