//! Opens files of a folder by names that others choose.
#![allow(
    clippy::disallowed_methods,
    reason = "this is one of the places that the rest of the program goes through"
)]

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::disk::{DiskFile, FileKind};
use crate::real::RealFile;

/// What a name in a folder leads to.
#[derive(Debug)]
pub enum Beneath {
    /// A regular file, open for reading.
    File(Box<dyn DiskFile>),
    /// A directory.
    Directory,
}

/// Opens what `name` leads to within `folder`. Links are followed as long as they stay in the folder; the folder may be
/// one itself. On Linux 5.6 and later the kernel sees to that (`openat2`), also while somebody changes the folder;
/// elsewhere it is looked at before it is opened. Blocks for as long as the file system does, never for a named pipe.
///
/// # Errors
///
/// `NotFound` where there is nothing, or neither a file nor a directory; `InvalidInput` for a name that is not relative
/// or goes up; `CrossesDevices` where a link leads out of the folder; any other error of the file system.
pub fn open_beneath(folder: &Path, name: &Path) -> io::Result<Beneath> {
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the name leads elsewhere"));
    }
    let file = File::from(open(folder, name)?);
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        Ok(Beneath::Directory)
    } else if metadata.is_file() {
        Ok(Beneath::File(Box::new(RealFile::new(file))))
    } else {
        Err(io::Error::new(
            io::ErrorKind::NotFound,
            "neither a file nor a directory",
        ))
    }
}

/// NONBLOCK: opening a named pipe must not wait for somebody to write to it.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

#[cfg(target_os = "linux")]
fn open(folder: &Path, name: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::ResolveFlags;
    use rustix::io::Errno;

    let root = rustix::fs::open(
        folder,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let within = |name: &Path, resolve| {
        let name = if name.as_os_str().is_empty() {
            Path::new(".")
        } else {
            name
        };
        rustix::fs::openat2(&root, name, READ, Mode::empty(), ResolveFlags::BENEATH | resolve)
    };
    match within(name, ResolveFlags::NO_MAGICLINKS) {
        // It refuses absolute links, of which some lead back into the folder.
        Err(Errno::XDEV) => Ok(within(&real_name(folder, name)?, ResolveFlags::NO_SYMLINKS)?),
        // An old kernel, or a container that does not let it pass.
        Err(Errno::NOSYS | Errno::PERM) => open_looked_at(folder, name),
        opened => Ok(opened?),
    }
}

#[cfg(not(target_os = "linux"))]
fn open(folder: &Path, name: &Path) -> io::Result<OwnedFd> {
    open_looked_at(folder, name)
}

/// Looks where `name` leads and opens that.
fn open_looked_at(folder: &Path, name: &Path) -> io::Result<OwnedFd> {
    let real = fs::canonicalize(folder)?.join(real_name(folder, name)?);
    Ok(rustix::fs::open(&real, READ | OFlags::NOFOLLOW, Mode::empty())?)
}

/// The name of the same thing within the folder, without links.
fn real_name(folder: &Path, name: &Path) -> io::Result<PathBuf> {
    let root = fs::canonicalize(folder)?;
    let real = fs::canonicalize(folder.join(name))?;
    match real.strip_prefix(&root) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::CrossesDevices,
            "a link leads out of the folder",
        )),
    }
}

/// What stands at `path`, links followed.
///
/// # Errors
///
/// `NotFound`; any other error of the file system.
pub fn kind_behind(path: &Path) -> io::Result<FileKind> {
    let metadata = fs::metadata(path)?;
    Ok(if metadata.is_file() {
        FileKind::File
    } else if metadata.is_dir() {
        FileKind::Directory
    } else {
        FileKind::Other
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn opened(folder: &Path, name: &str) -> io::Result<String> {
        match open_beneath(folder, Path::new(name))? {
            Beneath::Directory => Ok("a directory".to_owned()),
            Beneath::File(mut file) => {
                let mut text = String::new();
                file.read_to_string(&mut text)?;
                Ok(text)
            }
        }
    }

    /// A folder with links of all kinds, beside a secret.
    fn folder(dir: &tempfile::TempDir) -> PathBuf {
        let folder = dir.path().join("public");
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        fs::write(folder.join("page"), "page").unwrap();
        symlink("page", folder.join("near")).unwrap();
        symlink("../page", folder.join("sub/up")).unwrap();
        symlink(folder.join("page"), folder.join("absolute")).unwrap();
        symlink("../secret", folder.join("out")).unwrap();
        symlink(dir.path().join("secret"), folder.join("absolute-out")).unwrap();
        symlink(dir.path(), folder.join("parent")).unwrap();
        symlink("loop", folder.join("loop")).unwrap();
        symlink("gone", folder.join("dangling")).unwrap();
        folder
    }

    #[test]
    fn links_are_followed_within_the_folder_and_not_out_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        let linked = dir.path().join("linked");
        symlink(&folder, &linked).unwrap();
        for folder in [&folder, &linked] {
            for name in ["page", "near", "sub/up", "absolute"] {
                assert_eq!(opened(folder, name).unwrap(), "page", "{name}");
                let looked_at = open_looked_at(folder, Path::new(name)).map(File::from).unwrap();
                assert_eq!(io::read_to_string(looked_at).unwrap(), "page", "{name}");
            }
            for name in [
                "out",
                "absolute-out",
                "parent/secret",
                "parent/public/page/../../secret",
            ] {
                assert!(opened(folder, name).is_err(), "{name}");
                assert!(open_looked_at(folder, Path::new(name)).is_err(), "{name}");
            }
            assert_eq!(opened(folder, "out").unwrap_err().kind(), io::ErrorKind::CrossesDevices);
            assert_eq!(opened(folder, "sub").unwrap(), "a directory");
            assert_eq!(opened(folder, "").unwrap(), "a directory");
        }
    }

    #[test]
    fn names_that_go_up_lead_nowhere_and_what_is_no_file_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.join("pipe"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        for (name, kind) in [
            ("../secret", io::ErrorKind::InvalidInput),
            ("/etc/hostname", io::ErrorKind::InvalidInput),
            ("sub/../../secret", io::ErrorKind::InvalidInput),
            ("none", io::ErrorKind::NotFound),
            ("dangling", io::ErrorKind::NotFound),
            ("pipe", io::ErrorKind::NotFound),
            ("page/below", io::ErrorKind::NotADirectory),
        ] {
            assert_eq!(opened(&folder, name).unwrap_err().kind(), kind, "{name}");
        }
        assert!(opened(&folder, "loop").is_err());
        assert!(opened(&dir.path().join("none"), "page").is_err());
    }
}
