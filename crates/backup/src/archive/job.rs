//! What a worker does of an archive: compressing, and the sums over what it compresses.

use super::codec::Deflater;

/// Bytes on their way into the archive.
pub(super) struct Job {
    pub bytes: Vec<u8>,
    /// Empty; its memory is used for what is made.
    pub packed: Vec<u8>,
    pub what: What,
}

/// What the bytes are.
pub(super) enum What {
    /// Whole entries of these lengths, one behind the other.
    Entries(Vec<usize>),
    /// A piece of an entry, to be compressed or only summed.
    Piece { deflate: bool },
}

/// A job's bytes, and what was made of them.
pub(super) struct Done {
    pub bytes: Vec<u8>,
    pub packed: Vec<u8>,
    pub made: Made,
}

/// What was made.
pub(super) enum Made {
    Entries(Vec<MadeEntry>),
    Piece { crc: crc32fast::Hasher, deflated: bool },
}

/// One whole entry.
pub(super) struct MadeEntry {
    pub len: usize,
    pub crc: u32,
    pub hash: blake3::Hash,
    /// Its length when compressed, if that is worth it.
    pub packed_len: Option<usize>,
}

impl Job {
    pub(super) fn perform(self, deflater: &mut Deflater) -> Done {
        let Self {
            bytes,
            mut packed,
            what,
        } = self;
        let made = match what {
            What::Entries(lens) => {
                let mut rest = bytes.as_slice();
                let entries = lens.into_iter().map(|len| {
                    let (entry, behind) = rest.split_at(len);
                    rest = behind;
                    let before = packed.len();
                    let worthwhile = deflater.whole(entry, &mut packed);
                    MadeEntry {
                        len,
                        crc: crc32fast::hash(entry),
                        hash: blake3::hash(entry),
                        packed_len: worthwhile.then(|| packed.len() - before),
                    }
                });
                Made::Entries(entries.collect())
            }
            What::Piece { deflate } => {
                let mut crc = crc32fast::Hasher::new();
                crc.update(&bytes);
                if deflate {
                    deflater.piece(&bytes, &mut packed);
                }
                Made::Piece { crc, deflated: deflate }
            }
        };
        Done { bytes, packed, made }
    }
}
