//! The names of things inside an archive.

use std::fmt;
use std::path::{Path, PathBuf};

/// A relative path with `/` between its parts that cannot leave the directory it is joined to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryPath(String);

/// Why a name is refused; its text completes "the name … ".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPath(&'static str);

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadPath {}

impl EntryPath {
    /// Longest path in bytes.
    pub const MAX_LEN: usize = 4000;
    /// Longest part between two slashes in bytes, as on every common file system.
    pub const MAX_PART: usize = 255;

    /// Checks a name.
    ///
    /// # Errors
    /// If it is empty or too long, absolute, has an empty, `.` or `..` part, a backslash, a control character or a
    /// drive letter.
    pub fn new(name: impl Into<String>) -> Result<Self, BadPath> {
        let name = name.into();
        if name.is_empty() {
            return Err(BadPath("is empty"));
        }
        if name.len() > Self::MAX_LEN {
            return Err(BadPath("is too long"));
        }
        if name.starts_with('/') {
            return Err(BadPath("is absolute"));
        }
        if name.contains('\\') {
            return Err(BadPath("contains a backslash"));
        }
        if name.chars().any(char::is_control) {
            return Err(BadPath("contains a control character"));
        }
        if let [drive, b':', ..] = name.as_bytes()
            && drive.is_ascii_alphabetic()
        {
            return Err(BadPath("starts with a drive letter"));
        }
        for part in name.split('/') {
            match part {
                "" => return Err(BadPath("has an empty part")),
                "." | ".." => return Err(BadPath("leaves its directory")),
                _ if part.len() > Self::MAX_PART => return Err(BadPath("has a part that is too long")),
                _ => {}
            }
        }
        Ok(Self(name))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first slash.
    #[must_use]
    pub fn first(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The parts, outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The directories it lies in, outermost first, without the empty one.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }

    /// Where it is below a directory.
    #[must_use]
    pub fn below(&self, dir: &Path) -> PathBuf {
        dir.join(&self.0)
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_stay_inside_are_accepted() {
        for good in [
            "data.db",
            "storage/abc/def/file_x.png",
            "a/.b",
            "…/ü",
            "..a/b..",
            &"x".repeat(255),
        ] {
            assert!(EntryPath::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "../a",
            "a/..",
            "a\\b",
            "a\0",
            "a\nb",
            "C:/x",
            "c:x",
            &"x".repeat(256),
        ] {
            assert!(EntryPath::new(bad).is_err(), "{bad}");
        }
    }
}
