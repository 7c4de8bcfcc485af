//! How bytes get smaller: DEFLATE (RFC 1951) in pieces that join to one stream, and for a whole buffer.
//!
//! The only file that knows the compressor, [`bosbase_deflate`]: any number of threads compress pieces of one entry,
//! and the pieces put one behind the other are a stream that any unzip reads.

use bosbase_background::give_way;
use bosbase_deflate::Encoder;

/// What is compressed at once of a long entry.
pub(super) const PIECE: usize = 256 << 10;

/// Ends a stream made of pieces: an empty block with the fixed code, marked as final.
pub(super) const END: &[u8] = &[3, 0];

/// Bytes that get no smaller than this share are stored as they are: unpacking them would cost time for nothing.
const WORTHWHILE: f32 = 0.97;

/// Samples are taken at so many places of a buffer.
const SAMPLES: usize = 4;
/// Length of a sample.
const SAMPLE: usize = 4 << 10;
/// Whole buffers from this length on are sampled before they are compressed.
const SAMPLED_FROM: usize = 128 << 10;

/// A DEFLATE compressor. One per thread; it keeps nothing from one call to the next.
pub(super) struct Deflater(Encoder);

impl Deflater {
    pub(super) fn new() -> Self {
        Self(Encoder::pausing(give_way))
    }

    /// Appends a piece of a stream to `out`: it starts and ends on a byte, and refers to nothing before it. After the
    /// last one comes [`END`]. Bytes that do not shrink take five more for every 65,535, and ten.
    pub(super) fn piece(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.0.block(bytes, false, out);
    }

    /// Appends a buffer as a stream of its own to `out`. `false`, and nothing appended, if it is not worth it.
    pub(super) fn whole(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        if bytes.is_empty() || (bytes.len() >= SAMPLED_FROM && !self.worthwhile(&[bytes])) {
            return false;
        }
        let start = out.len();
        self.0.block(bytes, true, out);
        let worthwhile = (out.len() - start) as f32 <= bytes.len() as f32 * WORTHWHILE;
        if !worthwhile {
            out.truncate(start);
        }
        worthwhile
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
        self.0.estimate(&samples) <= WORTHWHILE
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
                1 => 65_535 * (1 + chance.next(3)) + chance.next(9) - 4,
                2 => chance.next(65_535),
                _ => chance.next(4 * 65_535),
            };
            let bytes = chance.bytes(len);
            let cut = chance.next(len + 1);
            round_trip(&mut deflater, &[&bytes[..cut], &bytes[cut..]]);
        }
    }

    #[test]
    fn what_does_not_shrink_hardly_grows() {
        let (mut chance, mut deflater) = (Chance(3), Deflater::new());
        let noise: Vec<u8> = (0..1_000_000).map(|_| chance.next(256) as u8).collect();
        assert!(round_trip(&mut deflater, &[&noise]) < 1_000_000 + 16 * 6);
        let mut out = vec![1];
        assert!(!deflater.whole(&noise, &mut out) && !deflater.worthwhile(&[&noise]));
        assert!(!deflater.whole(b"", &mut out) && !deflater.whole(b"x", &mut out) && out == [1]);
        // What comes after the beginning may shrink all the same.
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
