//! Where a DEFLATE block ends within its last byte, so that another can follow it.
//!
//! libdeflate ends every stream on a byte and tells nobody how many of the last byte's bits it used. A block ends with the code
//! of the end-of-block symbol, and the block's own header tells that code (RFC 1951, 3.2.7): what is zero behind its last one is
//! padding.

/// What to write behind a block so that the next one starts on a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// Nothing: it ends on a byte.
    Aligned,
    /// An empty stored block whose three header bits are zeros in the block's last byte.
    Within,
    /// An empty stored block whose three header bits need a byte more.
    Beyond,
}

impl Joint {
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Aligned => &[],
            Self::Within => &[0, 0, 0xff, 0xff],
            Self::Beyond => &[0, 0, 0, 0xff, 0xff],
        }
    }
}

/// The order in which the lengths of the code length codes are written.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const END_OF_BLOCK: usize = 256;

/// Finds the joint of a stream that is a single block; `None` where the end cannot be told from the header.
pub(super) fn find(block: &[u8]) -> Option<Joint> {
    let code = match block.first()? >> 1 & 3 {
        0 => return Some(Joint::Aligned),
        2 => end_of_block_code(block)?,
        // The fixed code's end of block is all zeros, like the padding.
        _ => return None,
    };
    if code == 0 {
        return None;
    }
    let zeros = trailing_zeros(block)?;
    match zeros.checked_sub(code.trailing_zeros())? {
        0..=2 => Some(Joint::Beyond),
        3..=7 => Some(Joint::Within),
        _ => None,
    }
}

/// How many bits behind the last one are zero.
fn trailing_zeros(block: &[u8]) -> Option<u32> {
    let last = block.iter().rposition(|byte| *byte != 0)?;
    Some((block.len() - 1 - last) as u32 * 8 + block[last].leading_zeros())
}

/// The code of the end-of-block symbol in a block with codes of its own; its lowest bit is written last.
fn end_of_block_code(block: &[u8]) -> Option<u32> {
    let mut bits = Bits { bytes: block, at: 3 };
    let symbols = bits.take(5)? as usize + 257;
    bits.take(5)?;
    let mut lengths = [0_u8; 19];
    for position in ORDER.iter().take(bits.take(4)? as usize + 4) {
        lengths[*position] = bits.take(3)? as u8;
    }
    let meta = Code::new(&lengths);
    let mut lengths = [0_u8; 288];
    let mut filled = 0;
    while filled < symbols {
        let (length, times) = match meta.decode(&mut bits)? {
            16 => (*lengths.get(filled.checked_sub(1)?)?, bits.take(2)? as usize + 3),
            17 => (0, bits.take(3)? as usize + 3),
            18 => (0, bits.take(7)? as usize + 11),
            length => (length as u8, 1),
        };
        // What reaches beyond belongs to the distances.
        let until = (filled + times).min(symbols);
        lengths.get_mut(filled..until)?.fill(length);
        filled = until;
    }
    let length = lengths[END_OF_BLOCK];
    if length == 0 {
        return None;
    }
    let code = Code::new(&lengths);
    let before = lengths[..END_OF_BLOCK].iter().filter(|l| **l == length).count() as u32;
    Some(code.first[usize::from(length)] + before)
}

/// A canonical Huffman code (RFC 1951, 3.2.2).
struct Code<'a> {
    lengths: &'a [u8],
    counts: [u32; 16],
    first: [u32; 16],
}

impl<'a> Code<'a> {
    fn new(lengths: &'a [u8]) -> Self {
        let (mut counts, mut first) = ([0; 16], [0; 16]);
        for length in lengths.iter().filter(|l| **l > 0) {
            counts[usize::from(*length & 15)] += 1;
        }
        for length in 1..16 {
            first[length] = (first[length - 1] + counts[length - 1]) << 1;
        }
        Self { lengths, counts, first }
    }

    fn decode(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let mut code = 0;
        for length in 1..16 {
            code = code << 1 | bits.take(1)?;
            if let Some(nth) = code.checked_sub(self.first[length])
                && nth < self.counts[length]
            {
                return self
                    .lengths
                    .iter()
                    .enumerate()
                    .filter(|(_, l)| usize::from(**l) == length)
                    .nth(nth as usize)
                    .map(|(symbol, _)| symbol);
            }
        }
        None
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for n in 0..count {
            let at = self.at + n;
            value |= u32::from(self.bytes.get(at / 8)? >> (at % 8) & 1) << n;
        }
        self.at += count;
        Some(value)
    }
}
