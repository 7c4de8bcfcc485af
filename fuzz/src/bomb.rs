//! A manifest that is small as it lies there and gigabytes when it is read.

use bosbase_backup::archive::MANIFEST_PATH;
use bosbase_deflate::Encoder;

use crate::zip::{self, Packed};

/// Enough entries that the most of them wait to be compared with what is read.
const ENTRIES: usize = 3_000;
/// As long as a line may be, but for what else is in it.
const FILLER: usize = (1 << 20) - 300;
const DATABASE: usize = 2 << 20;

/// What makes the lines long.
#[derive(Debug, Clone, Copy)]
pub enum Long {
    /// A field that nobody knows.
    Unknown,
    /// The hash.
    Hash,
    /// Where the pieces of the entry begin.
    Pieces,
}

/// An archive of a few MB whose manifest has 3,000 lines of a MiB.
#[must_use]
pub fn manifest_bomb(long: Long) -> Vec<u8> {
    let names: Vec<String> = (0..ENTRIES).map(|n| format!("storage/c/{n:015}/f")).collect();
    let (before, filler, after) = match long {
        Long::Unknown => (",\"new\":\"", b"xx", "\"}"),
        Long::Hash => (",\"blake3\":\"", b"00", "\"}"),
        Long::Pieces => (",\"pieces\":{\"len\":1,\"packed\":[1", b",1", "]}}"),
    };
    let hash = match long {
        Long::Hash => String::new(),
        _ => format!(",\"blake3\":\"{}\"", blake3::hash(b"").to_hex()),
    };
    // Long enough that several threads read the archive.
    let mut database = b"SQLite format 3\0".to_vec();
    database.resize(DATABASE, 0);
    let mut manifest = Stream::default();
    let filler = filler.repeat(FILLER / 2);
    let mut packed_filler = Vec::new();
    manifest.encoder.block(&filler, false, &mut packed_filler);
    manifest.write(
        b"{\"format\":1,\"program\":\"x\",\"created\":\"2026-11-23T06:00:00Z\",\"databases\":[],\"entries\":[\n",
    );
    let of_database = blake3::hash(&database).to_hex();
    manifest.write(format!("{{\"path\":\"data.db\",\"size\":{DATABASE},\"blake3\":\"{of_database}\"}}").as_bytes());
    for name in &names {
        manifest.write(format!(",\n{{\"path\":\"{name}\",\"size\":0{hash}{before}").as_bytes());
        manifest.put(&filler, &packed_filler);
        manifest.write(after.as_bytes());
    }
    manifest.write(b"\n]}\n");
    manifest.packed.extend([3, 0]);
    let mut entries = vec![Packed::stored("data.db", &database)];
    entries.extend(names.iter().map(|name| Packed::stored(name, b"")));
    entries.push(Packed {
        name: MANIFEST_PATH,
        bytes: &manifest.packed,
        is_deflated: true,
        crc: manifest.crc.finalize(),
        len: manifest.len,
    });
    zip::packed(&entries)
}

struct Stream {
    encoder: Encoder,
    packed: Vec<u8>,
    crc: crc32fast::Hasher,
    len: u32,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            encoder: Encoder::new(),
            packed: Vec::new(),
            crc: crc32fast::Hasher::new(),
            len: 0,
        }
    }
}

impl Stream {
    fn write(&mut self, bytes: &[u8]) {
        let mut packed = Vec::new();
        self.encoder.block(bytes, false, &mut packed);
        self.put(bytes, &packed);
    }

    fn put(&mut self, bytes: &[u8], packed: &[u8]) {
        self.packed.extend_from_slice(packed);
        self.crc.update(bytes);
        self.len += bytes.len() as u32;
    }
}
