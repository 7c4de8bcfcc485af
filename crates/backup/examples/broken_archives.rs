//! Writes every broken archive of the fixtures to a folder, for tests from outside:
//! `cargo run -p bosbase-backup --features fixtures --example broken_archives DIR`.
//!
//! `at-once--*.zip` must be refused by the upload and by the start of a restore; `later--*.zip` by the upload or by a
//! failed job that says why. None of them may change the data.

use std::io::Write as _;
use std::path::PathBuf;

use bosbase_backup::archive::broken::{Found, all};
use bosbase_disk::{Disk as _, NewFile, RealDisk};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: broken_archives DIR")?);
    RealDisk.create_dir_all(&dir)?;
    for broken in all() {
        let when = if broken.found == Found::AtOnce {
            "at-once"
        } else {
            "later"
        };
        let mut file = NewFile::create(&RealDisk, &dir.join(format!("{when}--{}.zip", broken.name)))?;
        file.write_all(&broken.bytes)?;
        file.replace()?;
    }
    Ok(())
}
