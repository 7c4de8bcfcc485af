//! What the encoder writes is read by other people's decoders, and never grows beyond its bound.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

use bosbase_deflate::Encoder;

/// Pseudo-random, the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }

    fn noise(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next(256) as u8).collect()
    }

    fn letters(&mut self, letters: &[u8], len: usize) -> Vec<u8> {
        (0..len).map(|_| letters[self.next(letters.len())]).collect()
    }

    /// Pages of a database: a header, an array of offsets, zeros, and rows of text and numbers at the end.
    fn pages(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 4096);
        while bytes.len() < len {
            let mut page = vec![0; 4096];
            page[0] = 13;
            let mut end = 4096;
            for row in 0..self.next(40) {
                let name = ["alice", "bob", "carol", "dave"][self.next(4)];
                let text = format!("{:015x}{name}@example.com{}", self.next(1 << 50), self.next(100_000));
                end -= text.len();
                page[end..end + text.len()].copy_from_slice(text.as_bytes());
                page[8 + 2 * row..10 + 2 * row].copy_from_slice(&(end as u16).to_be_bytes());
            }
            bytes.extend(page);
        }
        bytes.truncate(len);
        bytes
    }

    /// One of many kinds of data.
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let alphabet = 1 + self.next(256);
        let mut bytes = Vec::with_capacity(len + 70_000);
        let kind = self.next(8);
        while bytes.len() < len {
            match kind {
                0 => bytes.push(self.next(alphabet) as u8),
                1 => bytes.extend(vec![self.next(alphabet) as u8; 1 + self.next(600)]),
                2 if bytes.len() > 300 => {
                    let from = self.next(bytes.len() - 290);
                    let many = 3 + self.next(280);
                    bytes.extend_from_within(from..from + many);
                    bytes.push(self.next(256) as u8);
                }
                3 => bytes.extend(self.pages(4096)),
                4 => {
                    let period = self.noise(1 + alphabet % 12);
                    let many = 1 + self.next(400);
                    bytes.extend(period.iter().cycle().take(many));
                    bytes.push(self.next(256) as u8);
                }
                5 => {
                    let many = self.next(9000);
                    match self.next(4) {
                        0 => bytes.extend(self.noise(many)),
                        1 => bytes.extend(self.letters(b"0123456789abcdef", many)),
                        2 => bytes.extend(vec![0; many]),
                        _ => bytes.extend(self.pages(many)),
                    }
                }
                _ => bytes.push(self.next(256) as u8),
            }
        }
        bytes.truncate(len);
        bytes
    }
}

fn bound(len: usize) -> usize {
    len + 5 * len.div_ceil(65_535) + 10
}

fn inflate(stream: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut decoder = flate2::bufread::DeflateDecoder::new(stream);
    decoder.read_to_end(&mut bytes).expect("a valid stream");
    assert_eq!(
        decoder.total_in() as usize,
        stream.len(),
        "the stream ends where it says"
    );
    bytes
}

/// Encodes the pieces as one stream, which both decoders must read, and tells its length.
fn round_trip(encoder: &mut Encoder, pieces: &[&[u8]]) -> usize {
    let mut stream = Vec::new();
    for (n, piece) in pieces.iter().enumerate() {
        let before = stream.len();
        encoder.block(piece, n + 1 == pieces.len(), &mut stream);
        assert!(stream.len() - before <= bound(piece.len()));
    }
    let whole = pieces.concat();
    assert!(
        inflate(&stream) == whole,
        "zlib-rs reads something else of {} bytes",
        whole.len()
    );
    let mut other = vec![0; whole.len()];
    let read = libdeflater::Decompressor::new().deflate_decompress(&stream, &mut other);
    assert_eq!(read, Ok(whole.len()));
    assert!(
        other == whole,
        "libdeflate reads something else of {} bytes",
        whole.len()
    );
    stream.len()
}

#[test]
fn everything_comes_back_however_it_is_cut_into_pieces() {
    let (mut chance, mut encoder) = (Chance(0x5eed), Encoder::new());
    for round in 0..1500 {
        let len = match round % 5 {
            0 => chance.next(300),
            1 => 65_535 * (1 + chance.next(4)) + chance.next(19) - 9,
            2 => chance.next(70_000),
            3 => chance.next(5_000),
            _ => chance.next(400_000),
        };
        let bytes = chance.bytes(len);
        let cut = chance.next(len + 1);
        let other = cut + chance.next(len + 1 - cut);
        round_trip(&mut encoder, &[&bytes[..cut], &bytes[cut..other], &bytes[other..]]);
    }
}

#[test]
fn every_short_length_comes_back() {
    let (mut chance, mut encoder) = (Chance(3), Encoder::new());
    for len in 0..700 {
        for kind in 0..4 {
            let bytes = match kind {
                0 => vec![b'a'; len],
                1 => chance.noise(len),
                2 => b"abcde".iter().copied().cycle().take(len).collect(),
                _ => chance.letters(b"0123", len),
            };
            round_trip(&mut encoder, &[&bytes]);
            round_trip(&mut encoder, &[&bytes, b""]);
        }
    }
}

#[test]
fn matches_reach_as_far_and_as_long_as_deflate_allows_and_no_farther() {
    let (mut chance, mut encoder) = (Chance(4), Encoder::new());
    for len in [8, 40, 257, 258, 259, 515, 516, 517, 1000] {
        let (repeated, other) = (chance.noise(len), chance.noise(20));
        let sizes = [32_766, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537].map(|gap| {
            let mut bytes = repeated.clone();
            bytes.resize(gap, 0);
            bytes.extend(&repeated);
            bytes.extend(&other);
            round_trip(&mut encoder, &[&bytes])
        });
        let (near, far) = (&sizes[..3], &sizes[3..]);
        assert!(
            len < 40 || near.iter().all(|near| far.iter().all(|far| near + len / 2 < *far)),
            "{sizes:?}"
        );
    }
}

#[test]
fn what_does_not_shrink_costs_five_bytes_a_block_and_what_is_empty_next_to_nothing() {
    let (mut chance, mut encoder) = (Chance(5), Encoder::new());
    for len in [1, 10, 65_535, 65_536, 131_070, 131_071, 300_000] {
        let noise = chance.noise(len);
        let stored = len + 5 * len.div_ceil(65_535);
        assert_eq!(round_trip(&mut encoder, &[&noise, b""]), stored + 2, "{len}");
        assert!(encoder.estimate(&noise) > 0.99);
    }
    assert_eq!(round_trip(&mut encoder, &[b""]), 2);
}

#[test]
fn data_shrinks_as_much_as_it_should() {
    let (mut chance, mut encoder) = (Chance(6), Encoder::new());
    let zeros = vec![0; 1 << 20];
    assert!(round_trip(&mut encoder, &[&zeros]) < 2_000);
    let hex = chance.letters(b"0123456789abcdef", 1 << 20);
    let packed = round_trip(&mut encoder, &[&hex]);
    assert!(packed < hex.len() * 51 / 100, "{packed}");
    let pages = chance.pages(1 << 20);
    let packed = round_trip(&mut encoder, &[&pages]);
    let mut other = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(1).unwrap());
    let mut space = vec![0; 2 << 20];
    let theirs = other.deflate_compress(&pages, &mut space).unwrap();
    assert!(
        packed < theirs * 110 / 100,
        "{packed} where libdeflate's first level takes {theirs}"
    );
}

#[test]
fn an_estimate_is_near_the_truth() {
    let (mut chance, mut encoder) = (Chance(7), Encoder::new());
    for bytes in [
        vec![0; 300_000],
        chance.noise(300_000),
        chance.pages(300_000),
        chance.letters(b"0123456789abcdef", 300_000),
        chance.pages(3000),
        chance.noise(100),
    ] {
        let true_share = (round_trip(&mut encoder, &[&bytes]) as f32 / bytes.len() as f32).min(1.0);
        let estimate = encoder.estimate(&bytes);
        assert!((estimate - true_share).abs() < 0.12, "{estimate} for {true_share}");
    }
    assert_eq!(encoder.estimate(b"").to_bits(), 1.0f32.to_bits());
}

#[test]
fn the_output_depends_on_the_input_alone() {
    let mut chance = Chance(8);
    let (one, other) = (chance.bytes(200_000), chance.pages(300_000));
    let (mut fresh, mut used, mut tight) = (Vec::new(), Vec::with_capacity(1 << 20), Vec::new());
    Encoder::new().block(&other, true, &mut fresh);
    let mut encoder = Encoder::new();
    encoder.block(&one, false, &mut Vec::new());
    encoder.block(&other, true, &mut used);
    tight.extend_from_slice(b"before");
    tight.shrink_to_fit();
    encoder.block(&other, true, &mut tight);
    assert!(fresh == used && tight.starts_with(b"before") && fresh == tight[6..]);
}

#[test]
fn an_encoder_pauses_after_each_chunk() {
    static PAUSES: AtomicUsize = AtomicUsize::new(0);
    let pause = || {
        PAUSES.fetch_add(1, Ordering::Relaxed);
    };
    let mut encoder = Encoder::pausing(pause);
    encoder.block(&vec![7; 1 << 20], true, &mut Vec::new());
    // A chunk is two stored blocks of the longest kind.
    assert_eq!(PAUSES.load(Ordering::Relaxed), (1_usize << 20).div_ceil(2 * 65_535));
}
