//! Embeds the dashboard's built files, each as it is and gzipped, so that no request pays for that.

// The program's own files are no data: nothing of `crates/disk` is needed for them.
#![allow(clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, error, fs};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> Result<(), Box<dyn error::Error>> {
    let built = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../dashboard/dist");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", built.display());
    let mut files = Vec::new();
    collect(&built, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for (number, path) in files.iter().enumerate() {
        // Copies, so that a build of the dashboard meanwhile takes nothing away.
        let (plain, zipped) = (out.join(format!("{number}")), out.join(format!("{number}.gz")));
        let content = fs::read(path)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&content)?;
        fs::write(&zipped, encoder.finish()?)?;
        fs::write(&plain, content)?;
        let name = path.strip_prefix(&built)?.display().to_string();
        writeln!(
            table,
            "    Asset {{ name: {name:?}, plain: include_bytes!({plain:?}), gzipped: include_bytes!({zipped:?}) }},"
        )?;
    }
    table.push(']');
    fs::write(out.join("dashboard.rs"), table)?;
    Ok(())
}

/// All files under `folder`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
