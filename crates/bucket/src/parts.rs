//! How long the parts of a multipart upload are.
//!
//! S3 takes at most 10,000 parts of 5 MiB to 5 GiB. Some providers (Cloudflare's R2) want all but the last to be of one
//! length; none of a length that is not known may be kept in memory. So the length is chosen when it is known about how
//! much will come, the least that does; where more comes than that, the rest goes in parts that double.

const MIB: u64 = 1 << 20;
/// The least length of a part, in bytes: three of them are in memory at a time.
pub const LEAST: u64 = 8 * MIB;
/// The greatest length that S3 takes, in bytes.
const GREATEST: u64 = 5 << 30;
/// The most parts that S3 takes.
pub const MOST: u64 = 10_000;

/// The lengths of the parts of one upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartSizes {
    first: u64,
    equal: u64,
}

impl PartSizes {
    /// For an upload of at most `expected` bytes, or of nobody knows how many.
    pub fn new(expected: Option<u64>) -> Self {
        match expected {
            Some(expected) => {
                let equal = 9_000;
                let least = expected.div_ceil(equal).next_multiple_of(MIB);
                Self {
                    first: least.clamp(LEAST, GREATEST),
                    equal,
                }
            }
            None => Self {
                first: LEAST,
                equal: 5_000,
            },
        }
    }

    /// The length of part `index`, counted from 0.
    pub fn of(self, index: u64) -> u64 {
        let Some(beyond) = index.checked_sub(self.equal) else {
            return self.first;
        };
        let step = (MOST - self.equal) / 10;
        let doublings = 1 + beyond / step;
        // Ten of them at most, of 5 GiB at most.
        (self.first << doublings.min(10)).min(GREATEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIB: u64 = 1 << 40;

    fn capacity(sizes: PartSizes) -> u64 {
        (0..MOST).map(|index| sizes.of(index)).sum()
    }

    #[test]
    fn five_tib_fit_whether_foreseen_or_not() {
        assert!(capacity(PartSizes::new(None)) >= 5 * TIB);
        assert!(capacity(PartSizes::new(Some(5 * TIB))) >= 5 * TIB);
    }

    #[test]
    fn what_was_foreseen_goes_in_equal_parts() {
        for expected in [0, 1, 70 << 30, TIB, 5 * TIB] {
            let sizes = PartSizes::new(Some(expected));
            let needed = expected.div_ceil(sizes.of(0));
            assert!(needed <= 9_000 && sizes.of(0) == sizes.of(needed), "{expected}");
        }
        assert_eq!(PartSizes::new(Some(10 << 30)).of(0), 8 * MIB, "24 MiB in memory");
    }

    #[test]
    fn every_part_is_one_that_s3_takes_and_none_is_shorter_than_one_before() {
        for sizes in [
            PartSizes::new(None),
            PartSizes::new(Some(0)),
            PartSizes::new(Some(40 * TIB)),
        ] {
            let mut before = 5 * MIB;
            for index in 0..MOST {
                assert!((before..=GREATEST).contains(&sizes.of(index)));
                before = sizes.of(index);
            }
        }
    }
}
