//! Measures a backup of a data directory and how fast it is read back and unpacked:
//! `cargo run --release -p bosbase-backup --example throughput -- DATA_DIR WORK_DIR`.
//!
//! The databases (`*.db` in the directory) are read as the files they are, so nobody may write to them meanwhile. `WORK_DIR` takes
//! the backup and what it is unpacked to, and is emptied of both at the end.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bosbase_backup::restore::{self, Site, StagedCheck};
use bosbase_backup::{
    Archive, BackupKey, CheckFailure, DatabaseSnapshot, LocalStorage, NoProgress, NoSteps, Sources, Steps, Storage,
    create, verify,
};
use bosbase_disk::{Disk as _, DiskFile, RealDisk};

struct AsItIs {
    name: String,
    len: u64,
    file: Box<dyn DiskFile>,
}

impl DatabaseSnapshot for AsItIs {
    fn name(&self) -> &str {
        &self.name
    }
    fn len(&self) -> u64 {
        self.len
    }
    fn page_count(&self) -> u32 {
        (self.len / 4096) as u32
    }
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read(buf)
    }
    fn integrity_check(&mut self) -> Result<(), CheckFailure> {
        Ok(())
    }
}

struct Clock(Mutex<(Instant, Vec<(&'static str, f64)>)>);

impl Steps for Clock {
    fn reached(&self, step: &'static str) {
        let mut clock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = clock.0.elapsed().as_secs_f64();
        clock.1.push((step, seconds));
    }
}

struct Unchecked;

impl StagedCheck for Unchecked {
    fn check_and_upgrade(&self, _: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(data), Some(work)) = (arguments.next(), arguments.next()) else {
        return Err("usage: throughput DATA_DIR WORK_DIR".into());
    };
    let mut out = io::stdout().lock();
    let disk = RealDisk;
    let mut databases: Vec<Box<dyn DatabaseSnapshot>> = Vec::new();
    for entry in disk.list(&data)? {
        let name = entry?.name.to_string_lossy().into_owned();
        if name.ends_with(".db") {
            let file = disk.open(&data.join(&name))?;
            let len = file.metadata()?.len;
            databases.push(Box::new(AsItIs { name, len, file }));
        }
    }
    let (target, key) = (work.join("restored"), BackupKey::for_new("throughput.zip")?);
    let storage = LocalStorage::new(Arc::new(RealDisk), work.join("backups"));
    disk.create_dir_all(&target)?;
    let sources = Sources {
        data_dir: data,
        databases,
        must_have: Box::new(std::iter::empty()),
        elsewhere: None,
    };
    let clock = Clock(Mutex::new((Instant::now(), Vec::new())));
    let plan = create::plan(&disk, &key, jiff::Timestamp::now(), &sources)?;
    let created = create::perform(&disk, &plan, sources, &storage, &NoProgress, &clock)?;
    let report = created.report().clone();
    created.prove(&storage, &NoProgress, &clock)?;
    let (start, steps) = clock.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let whole = start.elapsed().as_secs_f64();
    let megabytes = plan.bytes as f64 / 1e6;
    writeln!(out, "{megabytes:.0} MB in {} files", plan.files)?;
    writeln!(
        out,
        "archive {:.1} MB ({:.1} %)",
        report.backup.size as f64 / 1e6,
        report.backup.size as f64 / megabytes / 1e4
    )?;
    for (step, seconds) in &steps {
        writeln!(out, "{seconds:7.2} s {step}")?;
    }
    if let Some((_, written)) = steps.iter().find(|(step, _)| *step == "create-published") {
        writeln!(
            out,
            "listed {:.0} MB/s, proven {:.0} MB/s",
            megabytes / written,
            megabytes / whole
        )?;
    }
    let archive = Archive::open(Arc::from(storage.open(&key)?))?;
    let start = Instant::now();
    verify(&archive, &NoProgress)?;
    writeln!(out, "verified {:.0} MB/s", megabytes / start.elapsed().as_secs_f64())?;
    let site = Site {
        disk: &disk,
        data_dir: &target,
        steps: &NoSteps,
        now: jiff::Timestamp::now(),
    };
    let start = Instant::now();
    let staged = restore::stage(site, &archive, &key, &Unchecked, &NoProgress)?;
    writeln!(
        out,
        "unpacked and synced {:.0} MB/s",
        megabytes / start.elapsed().as_secs_f64()
    )?;
    staged.abandon()?;
    storage.delete(&key)?;
    disk.remove_dir_all(&target)?;
    Ok(())
}
