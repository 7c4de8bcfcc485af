//! The manifest: what an archive must hold, line by line, so that it can be written and compared as a stream.
//!
//! One JSON document whose lines are fixed: the first holds all but the entries and opens their array, then comes one
//! entry a line in the archive's order, the last line is `]}`. The manifest itself is not among the entries.

use std::io::{BufRead, BufReader, Read};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pieces::Pieces;
use crate::entry_path::EntryPath;
use crate::error::{Context as _, Error, Result};

/// The manifest's format this program writes, and the newest it reads.
pub(crate) const FORMAT: u32 = 1;

/// The longest line: a path of 4,000 bytes, all escaped, and the pieces of an entry of hundreds of GB.
const MAX_LINE: u64 = 1 << 20;
/// More databases are refused: the archive's directory is searched for each.
const MAX_DATABASES: usize = 16;

/// One database of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFact {
    /// Its entry's name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its length in pages.
    pub pages: u32,
}

/// What stands in a manifest beside the entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestHeader {
    /// Version of the format.
    pub format: u32,
    /// Name and version of the program that wrote the archive.
    pub program: String,
    /// When the snapshot was taken, UTC.
    pub created: Timestamp,
    /// Whether the data keeps its uploaded files elsewhere than on its disk. A hint: what the databases say is what
    /// counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub files_elsewhere: bool,
    /// The databases in it.
    pub databases: Vec<DatabaseFact>,
}

/// One entry's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ManifestEntry {
    pub path: String,
    pub size: u64,
    pub blake3: String,
    /// Where it can be taken up in between; a hint that is not trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<Pieces>,
}

/// The first line, with its line break.
pub(super) fn first_line(header: &ManifestHeader) -> Result<Vec<u8>> {
    let mut line = encode(header)?;
    line.pop(); // the closing brace comes with the last line
    line.extend_from_slice(b",\"entries\":[\n");
    Ok(line)
}

/// An entry's line, without comma and line break.
pub(super) fn entry_line(path: &EntryPath, size: u64, hash: &blake3::Hash, pieces: Option<Pieces>) -> Result<Vec<u8>> {
    encode(&ManifestEntry {
        path: path.as_str().to_owned(),
        size,
        blake3: hash.to_hex().to_string(),
        pieces,
    })
}

/// Between two entries.
pub(super) const SEPARATOR: &[u8] = b",\n";
/// The end.
pub(super) const LAST_LINE: &[u8] = b"\n]}\n";

fn encode(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(std::io::Error::other)
        .context(|| "writing the manifest".to_owned())
}

/// Reads a manifest line by line.
pub(super) struct ManifestReader<R: Read> {
    lines: BufReader<R>,
    header: ManifestHeader,
    ended: bool,
}

impl<R: Read> ManifestReader<R> {
    pub(super) fn new(source: R) -> Result<Self> {
        let mut lines = BufReader::with_capacity(64 << 10, source);
        let first = next_line(&mut lines)?;
        let head = first
            .strip_suffix(b",\"entries\":[")
            .ok_or_else(|| malformed("its first line"))?;
        let mut document = head.to_vec();
        document.push(b'}');
        // The version first: a newer format may have another header.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = serde_json::from_slice(&document).map_err(|_| malformed("its version"))?;
        if version.format > FORMAT {
            return Err(Error::archive(format!(
                "the archive was made by a newer version of this program (manifest format {}, this one reads up to {FORMAT})",
                version.format
            )));
        }
        let header: ManifestHeader = serde_json::from_slice(&document).map_err(|_| malformed("its header"))?;
        if header.databases.len() > MAX_DATABASES {
            return Err(malformed("its databases, of which there are too many"));
        }
        Ok(Self {
            lines,
            header,
            ended: false,
        })
    }

    pub(super) fn header(&self) -> &ManifestHeader {
        &self.header
    }

    /// The next entry, `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<ManifestEntry>> {
        if self.ended {
            return Ok(None);
        }
        let line = next_line(&mut self.lines)?;
        if line == b"]}" || line.is_empty() {
            self.ended = true;
            let mut rest = Vec::new();
            let limit = MAX_LINE;
            (&mut self.lines)
                .take(limit)
                .read_to_end(&mut rest)
                .context(|| "reading the manifest".to_owned())?;
            let empty_list = line.is_empty() && rest == b"]}\n";
            if empty_list || (!line.is_empty() && rest.is_empty()) {
                return Ok(None);
            }
            return Err(malformed("its end"));
        }
        let line = line.strip_suffix(b",").unwrap_or(&line);
        let entry: ManifestEntry = serde_json::from_slice(line).map_err(|_| malformed("an entry"))?;
        // Many wait to be compared: none may be larger than an entry can make it.
        if entry.blake3.len() != 2 * blake3::OUT_LEN || entry.path.len() > usize::from(u16::MAX) {
            return Err(malformed("an entry"));
        }
        Ok(Some(entry))
    }
}

fn next_line(lines: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    lines
        .take(MAX_LINE)
        .read_until(b'\n', &mut line)
        .context(|| "reading the manifest".to_owned())?;
    if line.pop() != Some(b'\n') {
        return Err(malformed("a line without an end"));
    }
    // Fields that are not known are skipped over, with any bytes in them.
    if std::str::from_utf8(&line).is_err() {
        return Err(malformed("a line that is not UTF-8"));
    }
    Ok(line)
}

fn malformed(what: &str) -> Error {
    Error::archive(format!("the archive's manifest is malformed: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> ManifestHeader {
        ManifestHeader {
            format: 1,
            program: "bosbase 0.1.0".into(),
            created: "2026-11-23T06:00:00Z".parse().unwrap(),
            files_elsewhere: false,
            databases: vec![DatabaseFact {
                name: "data.db".into(),
                size: 4096,
                pages: 1,
            }],
        }
    }

    fn document(entries: u64) -> Vec<u8> {
        let mut text = first_line(&header()).unwrap();
        for n in 0..entries {
            if n > 0 {
                text.extend_from_slice(SEPARATOR);
            }
            let path = EntryPath::new(format!("storage/\"{n}\"")).unwrap();
            text.extend(entry_line(&path, n, &blake3::hash(b""), None).unwrap());
        }
        text.extend_from_slice(LAST_LINE);
        text
    }

    #[test]
    fn what_is_written_is_one_json_document_and_reads_back() {
        for count in [0, 1, 1000] {
            let text = document(count);
            let whole: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(whole["entries"].as_array().unwrap().len() as u64, count);
            let mut reader = ManifestReader::new(text.as_slice()).unwrap();
            assert_eq!(*reader.header(), header());
            for n in 0..count {
                assert_eq!(reader.next().unwrap().unwrap().path, format!("storage/\"{n}\""));
            }
            assert!(reader.next().unwrap().is_none());
            assert!(reader.next().unwrap().is_none());
        }
    }

    /// Each database is looked up in the archive's directory: 2,000 of them in one of five million entries took hours.
    /// And bytes that are no text passed where the JSON reader skips what it does not know.
    #[test]
    fn a_manifest_of_too_many_databases_or_of_bytes_that_are_no_text_is_malformed() {
        let mut many = header();
        many.databases = vec![many.databases[0].clone(); MAX_DATABASES + 1];
        assert!(ManifestReader::new(first_line(&many).unwrap().as_slice()).is_err());
        let line = first_line(&header()).unwrap();
        let odd = |byte: u8| [&b"{\"new\":\""[..], &[byte], b"\",", &line[1..]].concat();
        assert!(ManifestReader::new(odd(b'x').as_slice()).is_ok());
        assert!(ManifestReader::new(odd(0xff).as_slice()).is_err());
    }

    #[test]
    fn a_malformed_manifest_is_an_error_not_an_empty_one() {
        let good = document(3);
        for cut in 1..good.len() {
            let Ok(mut reader) = ManifestReader::new(&good[..cut]) else {
                continue;
            };
            let failed = loop {
                match reader.next() {
                    Err(_) => break true,
                    Ok(None) => break false,
                    Ok(Some(_)) => {}
                }
            };
            assert!(failed, "cut at {cut} of {}", good.len());
        }
        assert!(
            ManifestReader::new(&b"{\"format\":2,\"entries\":[\n]}\n"[..])
                .err()
                .unwrap()
                .to_string()
                .contains("newer")
        );
    }
}
