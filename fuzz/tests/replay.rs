//! Every file of the corpus, which holds what each fuzzer ever found worth keeping, and the good archives that it began
//! from.

#![allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Memory is counted for the whole process, and the broken archives take 50 MB to make: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands each file to the target; returns how many there were.
fn replay(corpus: &str, target: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(corpus);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in &files {
        // The last line before a panic names the file.
        println!("{}", file.display());
        target(&std::fs::read(file).unwrap());
    }
    files.len()
}

#[test]
fn archives() {
    let _alone = alone();
    assert!(replay("archive", bosbase_fuzz::archive) > 50);
    for broken in bosbase_backup::archive::broken::all() {
        bosbase_fuzz::archive(&broken.bytes);
    }
}

#[test]
fn manifests() {
    let _alone = alone();
    assert!(replay("manifest", bosbase_fuzz::manifest) > 20);
}

/// Or the target would try nothing but refusals.
#[test]
fn a_good_manifest_is_proven_and_a_changed_one_is_not() {
    let _alone = alone();
    let good = bosbase_fuzz::good_manifest();
    assert!(bosbase_fuzz::manifest_is_proven(good.as_bytes()));
    assert!(!bosbase_fuzz::manifest_is_proven(
        good.replace("empty", "other").as_bytes()
    ));
}

/// An archive of 6 MB took 1.1 GB: the long lines of its manifest waited, as they were read, to be compared. Measured
/// on two cores since: 5.9 MB with an unknown field, 5.8 with a hash, 7.9 with pieces.
#[test]
fn a_manifest_of_long_lines_takes_little_memory() {
    use bosbase_backup::storage::memory::MemorySource;
    use bosbase_backup::{Archive, NoProgress, verify};
    use bosbase_fuzz::bomb::{Long, manifest_bomb};
    let _alone = alone();
    // Skipped over, what nobody knows may be as long as a line may: that archive is whole.
    for (long, is_whole) in [(Long::Unknown, true), (Long::Hash, false), (Long::Pieces, false)] {
        let bomb = manifest_bomb(long);
        assert!(
            (2 << 20..20 << 20).contains(&bomb.len()),
            "{long:?}: {} bytes",
            bomb.len()
        );
        let source = std::sync::Arc::new(MemorySource::new(bomb));
        let (proven, most) =
            bosbase_fuzz::memory::measured(|| Archive::open(source).and_then(|archive| verify(&archive, &NoProgress)));
        assert_eq!(proven.is_ok(), is_whole, "{long:?}: {proven:?}");
        println!("{long:?}: {most} bytes of memory");
        assert!(most < 12 << 20, "{long:?}: {most} bytes of memory");
    }
}

#[test]
#[should_panic(expected = "are promised")]
fn memory_beyond_the_bound_is_noticed() {
    let _alone = alone();
    bosbase_fuzz::memory::within(1 << 20, || vec![1_u8; 2 << 20]);
}
