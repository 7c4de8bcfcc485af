//! Bits on their way to bytes, the lowest first.

/// At most so many bits are left behind by [`Bits::spill`].
#[cfg(test)]
const LEFT: u32 = 7;

/// Bits that do not make eight bytes yet. Holds at most 63 bits at any time.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bits {
    held: u64,
    count: u32,
}

impl Bits {
    /// Adds the lowest `count` bits of `bits`; the others must be zero. Without a [`Self::spill`] between them no more
    /// than 56 bits may be added.
    #[inline(always)]
    pub(crate) fn add(&mut self, bits: u64, count: u32) {
        debug_assert!(self.count + count < 64 && bits >> count == 0);
        self.held |= bits << self.count;
        self.count += count;
    }

    /// Writes the whole bytes to `out` at `at`, where eight must have room, and tells where the next one goes.
    #[inline(always)]
    pub(crate) fn spill(&mut self, out: &mut [u8], at: usize) -> usize {
        out[at..at + 8].copy_from_slice(&self.held.to_le_bytes());
        self.held >>= self.count & !7;
        let after = at + (self.count >> 3) as usize;
        self.count &= 7;
        after
    }

    /// Appends the whole bytes to `out`.
    pub(crate) fn append_to(&mut self, out: &mut Vec<u8>) {
        while self.count >= 8 {
            out.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// The number of bits held, fewer than eight after a spill.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Fills the last byte with zeros and appends what is held to `out`.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.count = self.count.next_multiple_of(8);
        self.append_to(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spilled_and_appended_bits_are_the_same_bytes() {
        let (mut spilled, mut appended) = (vec![0; 400], Vec::new());
        let (mut one, mut other, mut at) = (Bits::default(), Bits::default(), 0);
        for n in 0..300u64 {
            let count = (n % 56) as u32;
            let value = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & ((1 << count) - 1);
            one.add(value, count);
            other.add(value, count);
            if at > 380 {
                break;
            }
            at = one.spill(&mut spilled, at);
            other.append_to(&mut appended);
            assert!(one.count() <= LEFT && one.count() == other.count());
        }
        assert_eq!(spilled[..at], appended);
    }
}
