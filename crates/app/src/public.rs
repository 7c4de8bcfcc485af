//! The static files of an application: what lies in `pb_public`, served to everybody.
//!
//! Addresses are read as PocketBase 0.40.6 reads them. Unlike there, no link leads out of the folder, and a folder that
//! holds the data directory is refused: the databases would be everybody's, and opening them here would drop SQLite's
//! locks.

use std::io::{self, ErrorKind as Io};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bosbase_backup::DataDir;
use bosbase_disk::{Beneath, DiskFile, FileKind, kind_behind, open_beneath};
use bosbase_files::HEAD;

use crate::error::{Error, ErrorKind, Result};
use crate::unsupported::parents;

/// The folder's usual name.
const USUAL: &str = "pb_public";
/// What is served for a folder, and, where [`PublicFiles`] falls back to it, for what is not there.
const INDEX: &str = "index.html";

/// A folder of static files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicFiles {
    folder: PathBuf,
    index_fallback: bool,
}

/// What an address leads to.
#[derive(Debug)]
pub enum Public {
    /// A file.
    File(PublicFile),
    /// Another address of the same thing, encoded as a URL's path.
    Elsewhere(String),
}

/// An open file with what is to be said of it.
#[derive(Debug)]
pub struct PublicFile {
    /// The file, to read from any position.
    pub file: Box<dyn DiskFile>,
    /// Its length in bytes.
    pub len: u64,
    /// When its contents were last changed.
    pub modified: SystemTime,
    /// What is another after every change, without quotes.
    pub etag: String,
    /// The content type, by the ending of its name, else by how it begins.
    pub content_type: String,
}

impl PublicFiles {
    /// The files of `named` (`--publicDir`), or of the folder `pb_public` in the working directory, where PocketBase
    /// looks, beside the data directory or beside `program`: the first that is there. It may come later, and change
    /// while it is served. With `index_fallback` the page of the folder itself stands for all that is not there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] where the folder holds the data directory.
    pub fn new(named: Option<&Path>, data_dir: &DataDir, program: Option<&Path>, index_fallback: bool) -> Result<Self> {
        let files = Self {
            folder: folder(named, data_dir, program),
            index_fallback,
        };
        if real(data_dir).starts_with(real(&files.folder)) {
            return Err(Error::invalid(format!(
                "The folder {} is served to everybody, and holds the data directory {}. Name another with --publicDir.",
                files.folder.display(),
                data_dir.display()
            )));
        }
        Ok(files)
    }

    /// Where they lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether there is such a folder now.
    #[must_use]
    pub fn is_there(&self) -> bool {
        matches!(kind_behind(&self.folder), Ok(FileKind::Directory))
    }

    /// What `path`, the path of a URL with its escapes resolved, leads to. Reads the file's head where its name does
    /// not tell its type.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is nothing, with the cause where there is something that can't be served.
    pub fn find(&self, path: &[u8]) -> Result<Public> {
        match self.look(path) {
            Ok(found) => Ok(found),
            Err(error) if is_nothing(&error) && self.index_fallback => {
                let index = self.open(Path::new(INDEX));
                index.and_then(served).map(Public::File).map_err(not_found)
            }
            Err(error) => Err(not_found(error)),
        }
    }

    fn look(&self, path: &[u8]) -> io::Result<Public> {
        // What no name can hold is the name of nothing.
        let path = std::str::from_utf8(path).map_err(|_| Io::NotFound)?;
        if path.contains('\0') {
            return Err(Io::NotFound.into());
        }
        let parts = clean(path);
        let name: PathBuf = parts.iter().collect();
        let is_folder_s = path.ends_with('/') || parts.is_empty();
        match open_beneath(&self.folder, &name)? {
            Beneath::Directory if !is_folder_s => Ok(Public::Elsewhere(address(&parts, true))),
            Beneath::Directory => Ok(Public::File(served(self.open(&name.join(INDEX))?)?)),
            Beneath::File(_) if is_folder_s => Ok(Public::Elsewhere(address(&parts, false))),
            Beneath::File(_) if parts.last() == Some(&INDEX) => {
                Ok(Public::Elsewhere(address(&parts[..parts.len() - 1], true)))
            }
            Beneath::File(file) => Ok(Public::File(served((name, file))?)),
        }
    }

    fn open(&self, name: &Path) -> io::Result<(PathBuf, Box<dyn DiskFile>)> {
        match open_beneath(&self.folder, name)? {
            Beneath::File(file) => Ok((name.to_owned(), file)),
            Beneath::Directory => Err(Io::NotFound.into()),
        }
    }
}

/// The folder to serve, see [`PublicFiles::new`].
fn folder(named: Option<&Path>, data_dir: &DataDir, program: Option<&Path>) -> PathBuf {
    if let Some(named) = named {
        return named.to_owned();
    }
    let beside_program = program.and_then(Path::parent).map(Path::to_owned);
    let mut places = vec![PathBuf::from(".")];
    places.extend(parents(data_dir));
    places.extend(beside_program);
    let mut folders = places.into_iter().map(|place| place.join(USUAL));
    let is_there = |folder: &PathBuf| matches!(kind_behind(folder), Ok(FileKind::Directory));
    folders.find(is_there).unwrap_or_else(|| {
        let parent = parents(data_dir).into_iter().next().unwrap_or_default();
        parent.join(USUAL)
    })
}

/// Where a path leads, also before its last part is there, as at a first start.
fn real(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole
        .canonicalize()
        .unwrap_or_else(|_| match (whole.parent(), whole.file_name()) {
            (Some(parent), Some(name)) => real(parent).join(name),
            _ => whole,
        })
}

/// Whether nothing is there, as far as the client is concerned; anything else is for the log.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), Io::NotFound | Io::NotADirectory | Io::InvalidFilename)
}

fn not_found(error: io::Error) -> Error {
    let answer = Error::new(ErrorKind::NotFound, "File not found.");
    if is_nothing(&error) {
        answer
    } else {
        answer.caused_by(error)
    }
}

/// The parts of a path: `.` and empty ones left out, `..` taken back as far as there is something to take back.
fn clean(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
}

/// The path of a URL; nothing in it is taken for the name of another host or for the query.
fn address(parts: &[&str], is_folder_s: bool) -> String {
    let mut address = String::new();
    for part in parts {
        address.push('/');
        address.extend(percent_encoding::utf8_percent_encode(part, ESCAPED));
    }
    if is_folder_s {
        address.push('/');
    }
    address
}

/// All but what RFC 3986 calls unreserved.
const ESCAPED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn served((name, file): (PathBuf, Box<dyn DiskFile>)) -> io::Result<PublicFile> {
    let metadata = file.metadata()?;
    let since = metadata.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let content_type = match type_of_name(&name) {
        Some(known) => known,
        None => {
            let mut head = vec![0; HEAD];
            let read = file.read_at(0, &mut head)?;
            bosbase_files::content_type(&head[..read], metadata.len <= read as u64)
        }
    };
    Ok(PublicFile {
        etag: format!("{:x}-{:x}-{:x}", metadata.inode, metadata.len, since.as_nanos()),
        len: metadata.len,
        modified: metadata.modified,
        content_type,
        file,
    })
}

/// The type that a name's ending stands for. Text is UTF-8, as PocketBase says.
fn type_of_name(name: &Path) -> Option<String> {
    let guess = mime_guess::from_path(name).first_raw()?;
    let is_text = guess.starts_with("text/");
    Some(if is_text {
        format!("{guess}; charset=utf-8")
    } else {
        guess.to_owned()
    })
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs;

    use super::*;

    struct Site {
        dir: tempfile::TempDir,
        files: PublicFiles,
    }

    fn site(index_fallback: bool) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = DataDir::at(dir.path().join("pb_data"));
        fs::create_dir_all(&*data_dir).unwrap();
        fs::write(data_dir.join("data.db"), "secret").unwrap();
        let folder = dir.path().join(USUAL);
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::create_dir_all(folder.join("empty")).unwrap();
        for (name, text) in [
            ("index.html", "home"),
            ("a b.css", "css"),
            ("sub/index.html", "sub"),
            ("plain", "x"),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        std::os::unix::fs::symlink("../pb_data/data.db", folder.join("link")).unwrap();
        let files = PublicFiles::new(Some(&folder), &data_dir, None, index_fallback).unwrap();
        Site { dir, files }
    }

    fn told(files: &PublicFiles, path: &str) -> String {
        match files.find(path.as_bytes()) {
            Ok(Public::File(mut file)) => {
                let mut text = String::new();
                io::Read::read_to_string(&mut file.file, &mut text).unwrap();
                format!("{text} {}", file.content_type)
            }
            Ok(Public::Elsewhere(address)) => format!("-> {address}"),
            Err(error) => format!("{:?} {}", error.kind(), std::error::Error::source(&error).is_some()),
        }
    }

    const HOME: &str = "home text/html; charset=utf-8";

    #[test]
    fn an_address_leads_to_a_file_or_to_its_proper_address() {
        let site = site(false);
        for (path, expected) in [
            ("/", HOME),
            ("/sub/", "sub text/html; charset=utf-8"),
            ("/a b.css", "css text/css; charset=utf-8"),
            ("/plain", "x text/plain; charset=utf-8"),
            ("/sub/../plain", "x text/plain; charset=utf-8"),
            ("/sub", "-> /sub/"),
            ("/sub/index.html", "-> /sub/"),
            ("/index.html", "-> /"),
            ("/a b.css/", "-> /a%20b.css"),
            ("/empty", "-> /empty/"),
            ("/empty/", "NotFound false"),
            ("/none", "NotFound false"),
            ("/plain/below", "NotFound false"),
            ("/\0", "NotFound false"),
            ("/../pb_data/data.db", "NotFound false"),
            // The log says why.
            ("/link", "NotFound true"),
        ] {
            assert_eq!(told(&site.files, path), expected, "{path}");
        }
        assert!(site.files.find(b"/\xff").is_err());
    }

    #[test]
    fn what_is_not_there_is_the_page_of_the_folder_and_what_must_not_be_read_is_not() {
        let site = site(true);
        for path in ["/none", "/none/deep.js", "/empty/", "/../../etc/hostname", "/\0"] {
            assert_eq!(told(&site.files, path), HOME, "{path}");
        }
        assert_eq!(told(&site.files, "/link"), "NotFound true");
        fs::remove_dir_all(site.files.folder()).unwrap();
        assert_eq!(told(&site.files, "/"), "NotFound false");
    }

    #[test]
    fn a_changed_file_has_another_tag() {
        let site = site(true);
        let tag = || match site.files.find(b"/plain").unwrap() {
            Public::File(file) => file.etag,
            Public::Elsewhere(_) => unreachable!(),
        };
        let before = tag();
        assert_eq!(tag(), before);
        fs::write(site.files.folder().join("plain"), "y").unwrap();
        assert_ne!(tag(), before);
    }

    /// With `--publicDir .` anybody could have read the databases.
    #[test]
    fn a_folder_that_holds_the_data_is_refused() {
        let site = site(true);
        let data_dir = DataDir::at(site.dir.path().join("pb_data"));
        for named in [
            site.dir.path().to_owned(),
            data_dir.to_path_buf(),
            site.dir.path().join("pb_data/.."),
        ] {
            let refused = PublicFiles::new(Some(&named), &data_dir, None, true).unwrap_err();
            assert!(refused.to_string().contains("--publicDir"), "{refused}");
        }
    }

    #[test]
    fn the_folder_is_found_beside_the_data_or_beside_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = DataDir::at(dir.path().join("app/pb_data"));
        fs::create_dir_all(&*data_dir).unwrap();
        fs::create_dir_all(dir.path().join("bin/pb_public")).unwrap();
        let program = dir.path().join("bin/bosbase");
        let found = || folder(None, &data_dir, Some(&program));
        assert_eq!(found(), dir.path().join("bin/pb_public"));
        fs::create_dir(dir.path().join("app/pb_public")).unwrap();
        assert_eq!(found(), dir.path().join("app/pb_public"));
    }
}
