//! What comes behind a piece when it is unpacked by itself, and proves that the piece ends where it should.
//!
//! A final block with the fixed code (RFC 1951, 3.2.6) that says a few bytes nobody could guess. They come out right
//! behind the piece's own bytes only if all of the piece was read, it is whole blocks, and none is marked as the last.
//! A piece that ends the stream before its end can't have said them; one whose last block reaches into the sentinel has
//! its first bits among its bytes, where the checksums tell.

use std::hash::{BuildHasher as _, RandomState};

/// How many bytes it says.
pub(super) const SAID: usize = 16;
const PACKED: usize = SAID + 2;

pub(super) struct Sentinel {
    said: [u8; SAID],
    packed: [u8; PACKED],
}

impl Sentinel {
    /// One that nobody knows.
    pub(super) fn new() -> Self {
        let mut said = [0; SAID];
        for half in said.chunks_mut(SAID / 2) {
            half.copy_from_slice(&RandomState::new().hash_one(0).to_le_bytes());
        }
        Self::saying(said)
    }

    fn saying(mut said: [u8; SAID]) -> Self {
        let mut packed = [0; PACKED];
        // "Final, fixed code", in the order in which bits are read.
        let mut bits = 0b011_u16;
        for (byte, out) in said.iter_mut().zip(&mut packed) {
            // The code of a literal below 144 has eight bits, the highest of them first.
            *byte &= 0x7f;
            bits |= u16::from((0x30 + *byte).reverse_bits()) << 3;
            *out = bits.to_le_bytes()[0];
            bits >>= 8;
        }
        // The end of the block is seven bits that are not set.
        packed[SAID] = bits.to_le_bytes()[0];
        Self { said, packed }
    }

    /// What is put behind a piece.
    pub(super) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Whether that is what came out behind it.
    pub(super) fn is(&self, unpacked: &[u8]) -> bool {
        self.said == unpacked
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn every_unpacker_reads_it_and_no_two_say_the_same() {
        for n in 0..=u8::MAX {
            let sentinel = Sentinel::saying([n; SAID]);
            let mut unpacked = Vec::new();
            let mut reader = flate2::read::DeflateDecoder::new(sentinel.packed());
            reader.read_to_end(&mut unpacked).unwrap();
            assert!(sentinel.is(&unpacked) && unpacked == [n & 0x7f; SAID]);
            let mut out = [0; SAID];
            let read = libdeflater::Decompressor::new().deflate_decompress(sentinel.packed(), &mut out);
            assert!(read.unwrap() == SAID && sentinel.is(&out));
        }
        assert_ne!(Sentinel::new().said, Sentinel::new().said);
    }
}
