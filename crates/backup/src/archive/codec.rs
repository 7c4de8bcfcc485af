//! How bytes get smaller: DEFLATE (RFC 1951) in pieces that join to one stream, and for a whole buffer.
//!
//! The only file that knows the compressor. libdeflate compresses whole buffers and knows no flush; but what it makes of at most
//! [`BLOCK`] bytes is nearly always one DEFLATE block, which can be followed by another once its "final" bit is cleared and its
//! end brought to a byte ([`super::joint`]). That it is one is told by that very bit; where it is not, the bytes are halved. So
//! any number of threads compress pieces of one entry, and the pieces put one behind the other are a stream that any unzip reads.

use libdeflater::{CompressionLvl, Compressor, Decompressor};

use super::joint::{self, Joint};

/// Measured on a SQLite file: half its size at 120 MiB/s a core, where zlib's level 1 saves a third at 130.
const LEVEL: i32 = 1;

/// The longest stored block, and about as long as a block of libdeflate's level 1 gets.
pub(super) const BLOCK: usize = 65_535;

/// What is compressed at once of a long entry.
pub(super) const PIECE: usize = 4 * BLOCK;

/// Less than this is not halved any further but stored.
const LEAST_HALVED: usize = 1 << 10;

/// Ends a stream made of pieces: an empty block with the fixed code, marked as final.
pub(super) const END: &[u8] = &[3, 0];

/// Bytes that get no smaller than this share (in percent) are stored as they are: unpacking them would cost time for nothing.
const WORTHWHILE_PERCENT: usize = 97;

/// Samples are taken at so many places of a buffer.
const SAMPLES: usize = 4;
/// Length of a sample.
const SAMPLE: usize = 4 << 10;
/// Whole buffers from this length on are sampled before they are compressed.
const SAMPLED_FROM: usize = 128 << 10;

/// A DEFLATE compressor. One per thread; it keeps nothing from one call to the next.
pub(super) struct Deflater {
    compressor: Compressor,
    decompressor: Option<Decompressor>,
    scratch: Vec<u8>,
}

impl Deflater {
    pub(super) fn new() -> Self {
        Self {
            compressor: Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default()),
            decompressor: None,
            scratch: Vec::new(),
        }
    }

    /// Appends a piece of a stream to `out`: it starts and ends on a byte, and refers to nothing before it. After the last one
    /// comes [`END`]. Bytes that do not shrink take five more for every [`BLOCK`].
    pub(super) fn piece(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut shrinks = true;
        for block in bytes.chunks(BLOCK) {
            if !shrinks && !self.shrinks(&block[..block.len().min(SAMPLE)]) {
                store(block, out);
                continue;
            }
            let before = out.len();
            self.block(block, out);
            shrinks = is_worthwhile(out.len() - before, block.len());
        }
    }

    /// Appends a buffer as a stream of its own to `out`. `false`, and nothing appended, if it is not worth it.
    pub(super) fn whole(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        if bytes.len() >= SAMPLED_FROM && !self.worthwhile(&[bytes]) {
            return false;
        }
        let (start, most) = (out.len(), bytes.len() * WORTHWHILE_PERCENT / 100);
        out.resize(start + most, 0);
        let packed = self.compressor.deflate_compress(bytes, &mut out[start..]).ok();
        out.truncate(start + packed.unwrap_or(0));
        packed.is_some()
    }

    /// Tells from samples of these buffers whether what they are the beginning of is worth compressing.
    pub(super) fn worthwhile(&mut self, beginning: &[&[u8]]) -> bool {
        let per_buffer = SAMPLES.div_ceil(beginning.len().max(1)).max(1);
        let samples: Vec<u8> = beginning
            .iter()
            .flat_map(|buffer| {
                buffer
                    .chunks((buffer.len() / per_buffer).max(SAMPLE))
                    .flat_map(|chunk| &chunk[..chunk.len().min(SAMPLE)])
            })
            .copied()
            .collect();
        self.shrinks(&samples)
    }

    fn shrinks(&mut self, sample: &[u8]) -> bool {
        self.scratch.resize(sample.len() * WORTHWHILE_PERCENT / 100, 0);
        self.compressor.deflate_compress(sample, &mut self.scratch).is_ok()
    }

    fn block(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.compressor.deflate_compress_bound(bytes.len()), 0);
        let Ok(len) = self.compressor.deflate_compress(bytes, &mut out[start..]) else {
            out.truncate(start);
            return store(bytes, out);
        };
        out.truncate(start + len);
        let packed = &mut out[start..];
        let is_single = packed.first().is_some_and(|first| first & 1 == 1);
        if !is_single && bytes.len() >= LEAST_HALVED {
            out.truncate(start);
            let (front, back) = bytes.split_at(bytes.len() / 2);
            self.block(front, out);
            return self.block(back, out);
        }
        if is_single {
            packed[0] &= !1;
            if let Some(joint) = joint::find(packed).or_else(|| self.try_joints(bytes, packed)) {
                return out.extend_from_slice(joint.bytes());
            }
        }
        out.truncate(start);
        store(bytes, out);
    }

    /// Finds a block's joint by unpacking: with the wrong one behind it, the block and what follows it are no stream.
    fn try_joints(&mut self, bytes: &[u8], packed: &[u8]) -> Option<Joint> {
        let decompressor = self.decompressor.get_or_insert_with(Decompressor::new);
        self.scratch.resize(bytes.len(), 0);
        [Joint::Within, Joint::Beyond].into_iter().find(|joint| {
            let stream = [packed, joint.bytes(), END].concat();
            let unpacked = decompressor.deflate_decompress(&stream, &mut self.scratch);
            unpacked.is_ok_and(|n| n == bytes.len()) && self.scratch == bytes
        })
    }
}

fn is_worthwhile(packed: usize, len: usize) -> bool {
    packed * 100 <= len * WORTHWHILE_PERCENT
}

/// Appends bytes as stored blocks.
fn store(bytes: &[u8], out: &mut Vec<u8>) {
    for block in bytes.chunks(BLOCK) {
        let len = block.len() as u16;
        out.push(0);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn unpack(stream: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut decoder = flate2::bufread::DeflateDecoder::new(stream);
        decoder.read_to_end(&mut bytes).unwrap();
        assert_eq!(
            decoder.total_in(),
            stream.len() as u64,
            "the stream ends where its bytes end"
        );
        bytes
    }

    fn round_trip(deflater: &mut Deflater, pieces: &[&[u8]]) -> usize {
        let mut stream = Vec::new();
        for piece in pieces {
            deflater.piece(piece, &mut stream);
        }
        stream.extend_from_slice(END);
        assert!(
            unpack(&stream) == pieces.concat(),
            "{:?}",
            pieces.iter().map(|p| p.len()).collect::<Vec<_>>()
        );
        stream.len()
    }

    /// Numbers that look like chance and are the same in every run.
    pub(super) struct Chance(u64);

    impl Chance {
        fn next(&mut self, below: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % below as u64) as usize
        }

        /// One of many kinds of data: alphabets of all sizes, runs, repeats near and far, tiny matches, noise.
        fn bytes(&mut self, len: usize) -> Vec<u8> {
            let mut bytes: Vec<u8> = Vec::with_capacity(len + 300);
            let (kind, alphabet) = (self.next(6), 1 + self.next(256));
            while bytes.len() < len {
                match kind {
                    0 => bytes.push(self.next(alphabet) as u8),
                    1 => bytes.extend(vec![self.next(alphabet) as u8; 1 + self.next(300)]),
                    2 if bytes.len() > 300 => {
                        let from = self.next(bytes.len() - 290);
                        let until = from + 4 + self.next(4);
                        bytes.extend_from_within(from..until);
                        if self.next(8) == 0 {
                            bytes.push(self.next(256) as u8);
                        }
                    }
                    3 if bytes.len() > 300 && self.next(3) > 0 => {
                        let from = self.next(bytes.len() - 290);
                        bytes.extend_from_within(from..from + 3 + self.next(280));
                    }
                    4 => bytes.push(0),
                    5 => bytes.push(((self.next(256) * self.next(256) * self.next(alphabet)) >> 16) as u8),
                    _ => bytes.push(self.next(256) as u8),
                }
            }
            bytes.truncate(len);
            bytes
        }
    }

    #[test]
    fn pieces_of_any_kind_and_length_join_to_a_stream() {
        let (mut chance, mut deflater) = (Chance(0x5eed), Deflater::new());
        for round in 0..600 {
            let len = match round % 4 {
                0 => chance.next(300),
                1 => BLOCK * (1 + chance.next(3)) + chance.next(9) - 4,
                2 => chance.next(BLOCK),
                _ => chance.next(4 * BLOCK),
            };
            let bytes = chance.bytes(len);
            let cut = chance.next(len + 1);
            round_trip(&mut deflater, &[&bytes[..cut], &bytes[cut..]]);
        }
    }

    #[test]
    fn data_of_more_matches_than_a_block_takes_is_halved_and_comes_back() {
        let (mut chance, mut deflater) = (Chance(7), Deflater::new());
        let words: Vec<[u8; 4]> = (0..512)
            .map(|_| std::array::from_fn(|_| chance.next(256) as u8))
            .collect();
        let bytes: Vec<u8> = (0..BLOCK / 4 + 1).flat_map(|_| words[chance.next(512)]).collect();
        let bytes = &bytes[..BLOCK];
        let mut packed = vec![0; 2 * BLOCK];
        deflater.compressor.deflate_compress(bytes, &mut packed).unwrap();
        assert_eq!(packed[0] & 1, 0, "this is to be made of several blocks");
        assert!(round_trip(&mut deflater, &[bytes]) < BLOCK / 2);
    }

    #[test]
    fn what_the_header_tells_is_what_unpacking_finds() {
        let (mut chance, mut deflater) = (Chance(99), Deflater::new());
        let mut told = 0;
        for _ in 0..400 {
            let len = 60 + chance.next(3_000);
            let bytes = chance.bytes(len);
            let mut packed = vec![0; 2 * len + 100];
            let n = deflater.compressor.deflate_compress(&bytes, &mut packed).unwrap();
            packed.truncate(n);
            if packed[0] & 1 == 0 || packed[0] >> 1 & 3 == 0 {
                continue;
            }
            packed[0] &= !1;
            let found = deflater.try_joints(&bytes, &packed);
            assert!(found.is_some());
            if let Some(joint) = joint::find(&packed) {
                assert_eq!(Some(joint), found);
                told += 1;
            }
        }
        assert!(told > 100, "{told}");
    }

    #[test]
    fn what_does_not_shrink_hardly_grows() {
        let (mut chance, mut deflater) = (Chance(3), Deflater::new());
        let noise: Vec<u8> = (0..1_000_000).map(|_| chance.next(256) as u8).collect();
        assert!(round_trip(&mut deflater, &[&noise]) < 1_000_000 + 16 * 6);
        let mut out = vec![1];
        assert!(!deflater.whole(&noise, &mut out) && !deflater.worthwhile(&[&noise]));
        assert!(!deflater.whole(b"", &mut out) && !deflater.whole(b"x", &mut out) && out == [1]);
        // Whatever the beginning is, what comes after it may shrink.
        let mixed = [&noise[..300_000], &vec![7; 700_000]].concat();
        assert!(round_trip(&mut deflater, &[&mixed]) < 400_000);
    }

    #[test]
    fn a_whole_buffer_is_a_stream() {
        let (mut chance, mut deflater) = (Chance(4), Deflater::new());
        for _ in 0..200 {
            let len = chance.next(300_000);
            let bytes = chance.bytes(len);
            let mut out = Vec::new();
            if deflater.whole(&bytes, &mut out) {
                assert!(out.len() < len && unpack(&out) == bytes);
            }
        }
    }
}
