//! Archives that other programs made.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at the disk from outside"
)]

mod common;

use std::process::Command;

use bosbase_backup::{NoProgress, verify};

use common::{Bytes, noise, open, put};

#[test]
fn archives_of_other_programs_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    put(&data, "data.db", &Bytes::database("data.db", 100_000).1);
    put(&data, "storage/c/r/ünï code.txt", b"hello");
    put(&data, "storage/c/r/noise.bin", &noise(3 << 20));
    put(&data, "storage/c/r/empty", b"");
    std::fs::create_dir_all(dir.path().join("backups")).unwrap();
    let python = "import sys, shutil; shutil.make_archive(sys.argv[1][:-4], 'zip', '.')";
    // Without being able to seek it needs data descriptors, as Go's writer (PocketBase's) always does.
    let streamed = "import sys, zipfile, os\n\
        class Pipe:\n  def __init__(s, f): s.f = f\n  def write(s, b): return s.f.write(b)\n  def flush(s): s.f.flush()\n\
        z = zipfile.ZipFile(Pipe(open(sys.argv[1], 'wb')), 'w', zipfile.ZIP_DEFLATED)\n\
        for root, _, files in os.walk('.'):\n  for f in files:\n    p = os.path.join(root, f)\n    \
        z.open(zipfile.ZipInfo(p[2:]), 'w', force_zip64=True).write(open(p, 'rb').read())\n\
        z.close()\n";
    let mut ran = 0;
    for (name, program, arguments) in [
        ("zip.zip", "zip", vec!["-qr", "ARCHIVE", "."]),
        ("seven.zip", "7z", vec!["a", "-tzip", "-bso0", "ARCHIVE", "."]),
        ("python.zip", "python3", vec!["-c", python, "ARCHIVE"]),
        ("streamed.zip", "python3", vec!["-c", streamed, "ARCHIVE"]),
    ] {
        let archive = dir.path().join("backups").join(name);
        let arguments = arguments
            .into_iter()
            .map(|a| if a == "ARCHIVE" { archive.to_str().unwrap() } else { a });
        match Command::new(program).args(arguments).current_dir(&data).output() {
            Err(_) => eprintln!("SKIPPED: {program} is not installed"),
            Ok(output) => {
                assert!(
                    output.status.success(),
                    "{name}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
                let opened = open(dir.path(), name).unwrap_or_else(|e| panic!("{name}: {e}"));
                let checked = verify(&opened, &NoProgress).unwrap_or_else(|e| panic!("{name}: {e}"));
                assert!(checked.entries >= 4 && checked.bytes > 3 << 20, "{name}: {checked:?}");
                assert_eq!(checked.manifest, None);
                ran += 1;
            }
        }
    }
    assert!(ran > 0, "not a single other program is installed");
}
