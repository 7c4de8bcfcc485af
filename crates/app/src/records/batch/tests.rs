//! Batches on a real database, with files on a disk that fails.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use bosbase_disk::fault::Fault;
use bosbase_disk::{Disk, FaultDisk, FileKind};
use bosbase_store::Collection;
use serde_json::{Map, Value, json};

use super::*;
use crate::app::App;
use crate::caller::Caller;
use crate::error::ErrorKind;
use crate::memory::Held;
use crate::options::AppOptions;
use crate::records::Body;

const PATIENCE: Duration = Duration::from_secs(20);

struct Fixture {
    app: App,
    disk: FaultDisk,
    root: Caller,
    dir: tempfile::TempDir,
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

impl Fixture {
    /// An application with a superuser and the collection `posts`.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["pb_data", "graveyard"] {
            bosbase_disk::RealDisk.create_dir_all(&dir.path().join(name)).unwrap();
        }
        let disk = FaultDisk::new(&dir.path().join("graveyard"));
        let app = Self::open(dir.path(), &disk);
        app.accounts()
            .create_superuser("root@example.com", "password1234")
            .unwrap();
        let superusers = app.store().schema().find(Collection::SUPERUSERS).unwrap().clone();
        let auth: bosbase_store::Result<_> = app
            .store()
            .read(|tx| tx.find_record(&superusers, "email", "root@example.com", false));
        let root = Caller {
            auth: auth.unwrap().map(Arc::new),
            ..Caller::default()
        };
        app.collections()
            .create(object(&json!({
                "name": "posts", "type": "base",
                "fields": [
                    {"name": "title", "type": "text", "required": true},
                    {"name": "json", "type": "json", "maxSize": 20_000_000},
                    {"name": "files", "type": "file", "maxSelect": 5},
                ],
            })))
            .unwrap();
        Self { app, disk, root, dir }
    }

    fn open(dir: &Path, disk: &FaultDisk) -> App {
        App::open_databases(AppOptions::at(dir.join("pb_data")), Arc::new(disk.clone())).unwrap()
    }

    /// The process is gone, and the next one starts.
    fn restart(&mut self) {
        self.app.close().unwrap();
        self.disk.disarm();
        self.app = Self::open(self.dir.path(), &self.disk);
        self.app.files().clean_uploads().unwrap();
    }

    fn body(&self, values: &Value, files: &[&str]) -> Body {
        let files = files.iter().map(|contents| {
            let mut receiving = self.app.files().receive("note.txt").unwrap();
            receiving.write_all(contents.as_bytes()).unwrap();
            ("files+".to_owned(), receiving.finish().unwrap())
        });
        Body {
            values: object(values),
            files: files.collect(),
        }
    }

    fn request(&self, action: BatchAction, body: Body) -> BatchRequest {
        BatchRequest {
            collection: "posts".to_owned(),
            action,
            body,
            caller: self.root.clone(),
            refused: None,
        }
    }

    fn create(&self, values: &Value, files: &[&str]) -> BatchRequest {
        self.request(BatchAction::Create, self.body(values, files))
    }

    fn delete(&self, id: &str) -> BatchRequest {
        self.request(BatchAction::Delete(id.to_owned()), Body::default())
    }

    fn batch(&self, requests: Vec<BatchRequest>) -> Result<BatchOutcome> {
        self.app.records().batch(requests, PATIENCE)
    }

    /// Makes a record and returns its id.
    fn make(&self, title: &str, file: &str) -> String {
        let body = self.body(&json!({"title": title}), &[file]);
        let made = self.app.records().create("posts", &body, "", &self.root).unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    /// The titles, and what the files of all records hold, by the database.
    fn stored(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let posts = self.app.collections().get("posts").unwrap();
        let all: bosbase_store::Result<_> = self
            .app
            .store()
            .read(|tx| tx.list_records(&posts, &bosbase_store::ListQuery::default()));
        let mut titles = BTreeSet::new();
        let mut files = BTreeSet::new();
        for record in all.unwrap().items {
            titles.insert(record.text("title").to_owned());
            for name in record.texts("files") {
                let path = format!("pb_data/storage/{}/{}/{name}", posts.id, record.id());
                let contents = bosbase_disk::read_all(&bosbase_disk::RealDisk, &self.dir.path().join(path), 1 << 20);
                files.insert(String::from_utf8(contents.unwrap()).unwrap());
            }
        }
        (titles, files)
    }

    /// How many files lie in a folder of the data directory, but for the notes beside them.
    fn count(&self, folder: &str) -> usize {
        fn walk(dir: &Path) -> usize {
            let Ok(entries) = bosbase_disk::RealDisk.list(dir) else {
                return 0;
            };
            let entries = entries.map(Result::unwrap);
            let counts = entries.map(|entry| match entry.kind {
                FileKind::Directory => walk(&dir.join(&entry.name)),
                _ => usize::from(!entry.name.to_string_lossy().ends_with(".attrs")),
            });
            counts.sum()
        }
        walk(&self.dir.path().join("pb_data").join(folder))
    }
}

fn texts(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

fn index(outcome: Result<BatchOutcome>) -> usize {
    match outcome.unwrap() {
        BatchOutcome::Refused(index, _) => index,
        BatchOutcome::Done(_) => panic!("it was not refused"),
    }
}

/// What makes files, replaces one and takes one away.
fn changes(fixture: &Fixture, replaced: &str, gone: &str) -> Vec<BatchRequest> {
    let values = json!({"title": "replaced", "files": []});
    vec![
        fixture.create(&json!({"title": "first"}), &["1", "2"]),
        fixture.request(
            BatchAction::Update(replaced.to_owned()),
            fixture.body(&values, &["new"]),
        ),
        fixture.create(&json!({"id": "brief0000000000", "title": "brief"}), &["brief"]),
        fixture.delete(gone),
        fixture.delete("brief0000000000"),
    ]
}

/// The process is killed at each operation of the disk in turn.
#[test]
fn a_batch_with_files_leaves_all_or_nothing_wherever_it_breaks_off() {
    let mut fixture = Fixture::new();
    let before = (texts(&["kept", "gone"]), texts(&["old", "going"]));
    let after = (texts(&["first", "replaced"]), texts(&["1", "2", "new"]));
    let (mut done, mut undone) = (0, 0);
    for at in 1.. {
        let (kept, gone) = (fixture.make("kept", "old"), fixture.make("gone", "going"));
        let requests = changes(&fixture, &kept, &gone);
        fixture.disk.arm(at, Fault::PowerCut);
        let outcome = fixture.batch(requests);
        let is_over = fixture.disk.operations() < at;
        let last = fixture.disk.last();
        fixture.restart();
        let stored = fixture.stored();
        match outcome {
            Ok(BatchOutcome::Done(_)) => {
                done += 1;
                assert_eq!(stored, after, "killed at {at}: {last}");
            }
            _ => {
                undone += 1;
                assert_eq!(stored, before, "killed at {at}: {last}");
            }
        }
        assert_eq!(fixture.count("storage"), stored.1.len(), "killed at {at}: {last}");
        assert_eq!(fixture.count(".bosbase/undecided-files"), 0, "killed at {at}: {last}");
        assert_eq!(fixture.count(".bosbase/uploads"), 0, "killed at {at}: {last}");
        if is_over {
            break;
        }
        let posts = fixture.app.collections().get("posts").unwrap();
        fixture.app.collections().truncate(&posts.name).unwrap();
    }
    assert!(done > 5 && undone > 20, "{done} happened, {undone} did not");
}

#[test]
fn a_batch_that_is_refused_leaves_neither_rows_nor_files() {
    let fixture = Fixture::new();
    let requests = vec![
        fixture.create(&json!({"title": "a"}), &["1"]),
        fixture.create(&json!({"title": "b"}), &["2"]),
        fixture.create(&json!({"title": ""}), &["3"]),
    ];
    assert_eq!(index(fixture.batch(requests)), 2);
    // It is found out where they are in place already, too: the database alone knows that the id is taken.
    let id = fixture.make("there", "x");
    let requests = vec![
        fixture.create(&json!({"title": "a"}), &["1"]),
        fixture.create(&json!({"title": "b", "id": id}), &["2"]),
    ];
    assert_eq!(index(fixture.batch(requests)), 1);
    assert_eq!(fixture.stored(), (texts(&["there"]), texts(&["x"])));
    assert_eq!(fixture.count("storage"), 1);
    assert_eq!(fixture.count(".bosbase/uploads"), 0);
}

#[test]
fn what_somebody_changes_between_two_runs_is_prepared_anew() {
    let fixture = Fixture::new();
    let id = fixture.make("kept", "old");
    let values = json!({"title": "changed", "files": []});
    let batch = Arc::new(Batch {
        records: fixture.app.records().clone(),
        requests: vec![fixture.request(BatchAction::Update(id.clone()), fixture.body(&values, &["new"]))],
        refused_from: None,
    });
    let mut preparation = Preparation::new(&batch);
    let run = |preparation: &Preparation| {
        let (known, batch) = (preparation.known(false), batch.clone());
        let records = fixture.app.records().clone();
        records.store().write(move |tx| run::run(&batch, &known, tx, PATIENCE))
    };
    let lacking = |outcome| match outcome {
        Err(Halt::Lacking(lacking)) => *lacking,
        other => panic!("nothing is lacking: {other:?}"),
    };
    let first = lacking(run(&preparation));
    assert!(first.removals.is_some() && first.places.len() == 1);
    preparation.prepare(fixture.app.records(), &batch, first).unwrap();
    let more = fixture.body(&json!({}), &["another"]);
    fixture
        .app
        .records()
        .update("posts", &id, &more, "", &fixture.root)
        .unwrap();
    let second = lacking(run(&preparation));
    assert!(second.places.is_empty(), "they are there already");
    assert_eq!(second.removals.as_ref().unwrap().files[0].2.len(), 2);
    preparation.prepare(fixture.app.records(), &batch, second).unwrap();
    let done = run(&preparation).unwrap();
    fixture.app.records().conclude(done, preparation);
    assert_eq!(fixture.stored(), (texts(&["changed"]), texts(&["new"])));
    assert_eq!(fixture.count("storage"), 1);
}

/// Little is sent, and much is shown: 50 records of megabytes, each changed by a word.
#[test]
fn answers_that_are_large_have_a_share_of_the_memory_and_the_largest_are_refused() {
    let fixture = Fixture::new();
    let long = "x".repeat(3 << 20);
    let ids: Vec<String> = (0..20)
        .map(|_| {
            let body = Body::from_values(object(&json!({"title": "a", "json": long})));
            let made = fixture.app.records().create("posts", &body, "", &fixture.root).unwrap();
            made["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let changes = |count: usize, held: &Held| {
        let requests = ids[..count].iter().map(|id| {
            let body = Body::from_values(object(&json!({"title": "b"})));
            let mut request = fixture.request(BatchAction::Update(id.clone()), body);
            request.caller.held = held.clone();
            request
        });
        requests.collect::<Vec<_>>()
    };
    let held = Held::default();
    let outcome = fixture.batch(changes(10, &held)).unwrap();
    assert!(matches!(outcome, BatchOutcome::Done(_)));
    assert!(!held.is_empty(), "it took a share");
    drop(held);
    assert!(index(fixture.batch(changes(20, &Held::default()))) > 10);
    // Nothing holds a share but the request.
    let all = fixture.app.memory().share_blocking(usize::MAX).unwrap();
    drop(all);
}

/// A guest's creates and updates used up what is set aside for what frees room: no deletion worked any more.
#[test]
fn only_a_batch_of_deletions_spends_the_reserve() {
    let fixture = Fixture::new();
    let reserve = &fixture.app.records().inner.reserve;
    let path = fixture.dir.path().join("pb_data/.bosbase/reserve");
    let (changed, gone) = (fixture.make("changed", "a"), fixture.make("gone", "b"));
    reserve.hold();
    assert!(fixture.disk.exists(&path).unwrap(), "it is there");
    let change = || {
        let body = fixture.body(&json!({"files": []}), &[]);
        fixture.request(BatchAction::Update(changed.clone()), body)
    };
    for requests in [vec![change()], vec![fixture.delete(&gone), change()]] {
        fixture.disk.arm(1, Fault::Errno(28));
        let full = fixture.batch(requests).unwrap_err();
        assert_eq!(full.message(), "The server's disk is full.");
        assert!(fixture.disk.exists(&path).unwrap());
    }
    fixture.disk.arm(1, Fault::Errno(28));
    let outcome = fixture.batch(vec![fixture.delete(&gone)]).unwrap();
    assert!(matches!(outcome, BatchOutcome::Done(_)));
    assert!(!fixture.disk.exists(&path).unwrap());
}

#[test]
fn what_an_upsert_will_do_follows_from_the_requests_before_it() {
    let fixture = Fixture::new();
    let posts = fixture.app.collections().get("posts").unwrap();
    let field = json!({"name": "of", "type": "relation", "collectionId": posts.id, "cascadeDelete": true});
    let children = json!({"name": "children", "type": "base", "fields": [field]});
    fixture.app.collections().create(object(&children)).unwrap();
    let (id, other) = (fixture.make("there", ""), "other0000000000");
    let request = |action, collection: &str, id: &str| BatchRequest {
        collection: collection.to_owned(),
        ..fixture.request(action, fixture.body(&json!({"id": id}), &[]))
    };
    let upsert = |collection: &str, id: &str| request(BatchAction::Upsert, collection, id);
    let mut foresight = Foresight::default();
    let mut next = |request: &BatchRequest| foresight.follow(fixture.app.records(), request).unwrap();
    assert_eq!(next(&upsert("posts", &id)), Some(Upsert::Update(id.clone())));
    assert_eq!(next(&upsert("nobody", &id)), Some(Upsert::Create));
    assert_eq!(next(&upsert("posts", "")), Some(Upsert::Create));
    assert_eq!(next(&upsert("Posts", other)), Some(Upsert::Create));
    assert_eq!(next(&upsert(&posts.id, other)), Some(Upsert::Update(other.to_owned())));
    assert_eq!(next(&request(BatchAction::Create, "children", other)), None);
    assert_eq!(next(&upsert("CHILDREN", other)), Some(Upsert::Update(other.to_owned())));
    assert_eq!(next(&request(BatchAction::Delete(id.clone()), "POSTS", "")), None);
    assert_eq!(next(&upsert("posts", &id)), Some(Upsert::Create));
    // It may have gone along with the post.
    assert_eq!(next(&upsert("children", other)), Some(Upsert::Either(other.to_owned())));
    assert_eq!(next(&upsert("posts", other)), Some(Upsert::Update(other.to_owned())));
}

#[test]
fn a_batch_ends_when_its_time_is_over_or_its_client_has_gone() {
    let fixture = Fixture::new();
    let requests = || vec![fixture.create(&json!({"title": "a"}), &[])];
    let late = fixture.app.records().batch(requests(), Duration::ZERO).unwrap_err();
    assert_eq!((late.kind(), late.message()), (ErrorKind::Invalid, FAILED));
    let gone = requests();
    gone[0].caller.gone.set();
    assert_eq!(fixture.batch(gone).unwrap_err().message(), FAILED);
    assert!(fixture.stored().0.is_empty());
}

#[test]
fn one_that_is_refused_in_any_case_is_refused_when_its_turn_comes() {
    let fixture = Fixture::new();
    let refused = || {
        let mut request = fixture.create(&json!({"title": "a"}), &[]);
        request.refused = Some(Error::new(ErrorKind::RateLimited, "Too Many Requests."));
        request
    };
    let good = || fixture.create(&json!({"title": "a"}), &[]);
    match fixture.batch(vec![good(), refused(), refused()]).unwrap() {
        BatchOutcome::Refused(1, error) => assert_eq!(error.kind(), ErrorKind::RateLimited),
        other => panic!("{other:?}"),
    }
    let bad = fixture.create(&json!({}), &[]);
    assert_eq!(index(fixture.batch(vec![bad, refused()])), 0);
    assert!(fixture.stored().0.is_empty());
}
