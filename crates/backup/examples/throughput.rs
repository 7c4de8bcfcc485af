//! Measures a backup of a data directory and how fast it is read back and unpacked:
//! `cargo run --release -p bosbase-backup --example throughput -- DATA_DIR WORK_DIR`.
//!
//! The databases (`*.db` in the directory) are read as the files they are, so nobody may write to them meanwhile.
//! `WORK_DIR` takes the backup and what it is unpacked to, and is emptied of both at the end.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use parking_lot::Mutex;

use bosbase_backup::restore::{self, Site, StagedCheck};
use bosbase_backup::{
    Archive, ArchiveSource, BackupInfo, BackupKey, CheckFailure, DataDir, DatabaseSnapshot, Error, ErrorKind,
    LocalStorage, NoProgress, NoSteps, Result, Sources, StagedUpload, Steps, Storage, create, verify,
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
    fn integrity_check(&mut self) -> std::result::Result<(), CheckFailure> {
        Ok(())
    }
}

struct Clock(Mutex<(Instant, Reached)>);

type Reached = Vec<(&'static str, f64)>;

impl Clock {
    fn new() -> Self {
        Self(Mutex::new((Instant::now(), Vec::new())))
    }

    fn stop(self) -> (Instant, Reached) {
        self.0.into_inner()
    }
}

/// Bytes a second of a file as long as the archive that is written as it is.
fn disk_alone(disk: &RealDisk, work: &Path, len: u64) -> io::Result<f64> {
    let (path, piece) = (work.join("alone"), vec![0x5a; 1 << 20]);
    let start = Instant::now();
    let mut file = disk.create_streamed(&path)?;
    for _ in 0..len >> 20 {
        file.write_all(&piece)?;
    }
    file.flush()?;
    file.sync()?;
    let speed = (len >> 20 << 20) as f64 / start.elapsed().as_secs_f64();
    disk.remove_file(&path)?;
    Ok(speed)
}

fn tell(out: &mut impl Write, steps: &Reached) -> io::Result<()> {
    steps
        .iter()
        .try_for_each(|(step, seconds)| writeln!(out, "{seconds:7.2} s {step}"))
}

impl Steps for Clock {
    fn reached(&self, step: &'static str) {
        let mut clock = self.0.lock();
        let seconds = clock.0.elapsed().as_secs_f64();
        clock.1.push((step, seconds));
    }
}

/// A storage without a disk: it leaves what reading and compressing take, the most that a backup could reach.
struct Nowhere;

struct Discarded(BackupKey, u64);

impl Storage for Nowhere {
    fn place(&self) -> String {
        "nowhere".to_owned()
    }
    fn list(&self) -> Result<Vec<BackupInfo>> {
        Ok(Vec::new())
    }
    fn create(&self, key: &BackupKey, _: Option<u64>) -> Result<Box<dyn StagedUpload>> {
        Ok(Box::new(Discarded(key.clone(), 0)))
    }
    fn open(&self, key: &BackupKey) -> Result<Box<dyn ArchiveSource>> {
        Err(Error::new(ErrorKind::NotFound, format!("{key} was thrown away")))
    }
    fn delete(&self, _: &BackupKey) -> Result<()> {
        Ok(())
    }
    fn contains(&self, _: &BackupKey) -> Result<bool> {
        Ok(false)
    }
}

impl Write for Discarded {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.1 += buf.len() as u64;
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StagedUpload for Discarded {
    fn publish(self: Box<Self>) -> Result<BackupInfo> {
        Ok(BackupInfo {
            key: self.0,
            size: self.1,
            modified: jiff::Timestamp::now(),
            etag: String::new(),
        })
    }
}

struct Unchecked;

impl StagedCheck for Unchecked {
    fn check_and_upgrade(
        &self,
        _: &Path,
        _: &Arc<AtomicBool>,
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(data), Some(work)) = (arguments.next(), arguments.next()) else {
        return Err("usage: throughput DATA_DIR WORK_DIR".into());
    };
    let mut out = io::stdout().lock();
    let disk = RealDisk;
    let (target, key) = (work.join("restored"), BackupKey::for_new("throughput.zip")?);
    let storage = LocalStorage::new(Arc::new(RealDisk), work.join("backups"));
    disk.create_dir_all(&target)?;
    let sources = |data: &Path| -> io::Result<Sources<'static>> {
        let mut databases: Vec<Box<dyn DatabaseSnapshot>> = Vec::new();
        for entry in disk.list(data)? {
            let name = entry?.name.to_string_lossy().into_owned();
            if name.ends_with(".db") {
                let file = disk.open(&data.join(&name))?;
                let len = file.metadata()?.len;
                databases.push(Box::new(AsItIs { name, len, file }));
            }
        }
        Ok(Sources {
            data_dir: DataDir::at(data),
            databases,
            required_files: Box::new(std::iter::empty()),
            remote_files: None,
        })
    };
    let plan = create::plan(&disk, &key, jiff::Timestamp::now(), &sources(&data)?)?;
    let megabytes = plan.bytes as f64 / 1e6;
    // All that follows finds in the system's cache what is in it now.
    let start = Instant::now();
    drop(create::perform(
        &disk,
        &plan,
        sources(&data)?,
        &Nowhere,
        &NoProgress,
        &NoSteps,
    )?);
    writeln!(
        out,
        "{:.0} MB/s without a disk, not yet cached",
        megabytes / start.elapsed().as_secs_f64()
    )?;
    let start = Instant::now();
    drop(create::perform(
        &disk,
        &plan,
        sources(&data)?,
        &Nowhere,
        &NoProgress,
        &NoSteps,
    )?);
    writeln!(
        out,
        "{:.0} MB/s without a disk",
        megabytes / start.elapsed().as_secs_f64()
    )?;
    let (clock, sources) = (Clock::new(), sources(&data)?);
    let created = create::perform(&disk, &plan, sources, &storage, &NoProgress, &clock)?;
    let report = created.report().clone();
    created.prove(&storage, &NoProgress, &clock)?;
    let (start, steps) = clock.stop();
    let whole = start.elapsed().as_secs_f64();
    writeln!(out, "{megabytes:.0} MB in {} files", plan.files)?;
    writeln!(
        out,
        "archive {:.1} MB ({:.1} %)",
        report.backup.size as f64 / 1e6,
        report.backup.size as f64 / megabytes / 1e4
    )?;
    tell(&mut out, &steps)?;
    if let Some((_, written)) = steps.iter().find(|(step, _)| *step == "create-published") {
        writeln!(
            out,
            "listed {:.0} MB/s, proven {:.0} MB/s",
            megabytes / written,
            megabytes / whole
        )?;
    }
    writeln!(
        out,
        "{:.0} MB/s written to the disk alone",
        disk_alone(&disk, &work, report.backup.size)? / 1e6
    )?;
    let archive = Archive::open(Arc::from(storage.open(&key)?))?;
    let start = Instant::now();
    verify(&archive, &NoProgress)?;
    writeln!(out, "verified {:.0} MB/s", megabytes / start.elapsed().as_secs_f64())?;
    let clock = Clock::new();
    let site = Site {
        disk: &disk,
        data_dir: &DataDir::at(&target),
        steps: &clock,
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
    tell(&mut out, &clock.stop().1)?;
    storage.delete(&key)?;
    disk.remove_dir_all(&target)?;
    Ok(())
}
