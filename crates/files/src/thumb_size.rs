//! The size of a thumbnail as a request names it, and what it takes of a picture.

use image::metadata::Orientation;

/// How a picture is made to fit a width and a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It fills both, and its middle is kept of what is too much.
    Centre,
    /// The same, keeping its top.
    Top,
    /// The same, keeping its bottom.
    Bottom,
    /// All of it lies within both; it never grows.
    Inside,
}

/// The size of a thumbnail: `WxH`, `WxHt`, `WxHb`, `WxHf`, `Wx0` or `0xH`, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ThumbSize {
    width: u32,
    height: u32,
    fit: Fit,
}

/// A part of a picture, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl ThumbSize {
    /// The size that `text` names, if it names one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sides, fit) = match text.as_bytes().last()? {
            b't' => (&text[..text.len() - 1], Fit::Top),
            b'b' => (&text[..text.len() - 1], Fit::Bottom),
            b'f' => (&text[..text.len() - 1], Fit::Inside),
            _ => (text, Fit::Centre),
        };
        let side = |digits: &str| {
            let only_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            only_digits.then(|| digits.parse().ok()).flatten()
        };
        let (width, height) = sides.split_once('x')?;
        let (width, height) = (side(width)?, side(height)?);
        (width > 0 || height > 0).then_some(Self { width, height, fit })
    }

    /// Of a picture of `width` times `height` pixels: the part that is shown, and how large that becomes.
    pub(super) fn of(self, width: u32, height: u32) -> (Part, (u32, u32)) {
        let (source_width, source_height) = (f64::from(width), f64::from(height));
        let whole = Part {
            left: 0.0,
            top: 0.0,
            width: source_width,
            height: source_height,
        };
        if self.width == 0 || self.height == 0 {
            return (whole, self.in_proportion(width, height));
        }
        if self.fit == Fit::Inside {
            if width <= self.width && height <= self.height {
                return (whole, (width, height));
            }
            let proportion = source_width / source_height;
            let inside = if proportion > f64::from(self.width) / f64::from(self.height) {
                (self.width, (f64::from(self.width) / proportion) as u32)
            } else {
                ((f64::from(self.height) * proportion) as u32, self.height)
            };
            let target = Self {
                width: inside.0,
                height: inside.1,
                fit: self.fit,
            };
            let target = match inside {
                (0, _) | (_, 0) => target.in_proportion(width, height),
                inside => inside,
            };
            return (whole, target);
        }
        let wanted = f64::from(self.width) / f64::from(self.height);
        let (part_width, part_height) = if source_width / source_height < wanted {
            (source_width, (source_width / wanted).clamp(1.0, source_height))
        } else {
            ((source_height * wanted).clamp(1.0, source_width), source_height)
        };
        let spare = source_height - part_height;
        let part = Part {
            left: (source_width - part_width) / 2.0,
            top: match self.fit {
                Fit::Top => 0.0,
                Fit::Bottom => spare,
                Fit::Centre | Fit::Inside => spare / 2.0,
            },
            width: part_width,
            height: part_height,
        };
        (part, (self.width, self.height))
    }

    /// One side is given, the other follows.
    fn in_proportion(self, width: u32, height: u32) -> (u32, u32) {
        let follow = |side: u32, of: u32, other: u32| {
            let exact = f64::from(side) * f64::from(other) / f64::from(of);
            (exact + 0.5).floor().max(1.0) as u32
        };
        if self.width == 0 {
            (follow(self.height, height, width), self.height)
        } else {
            (self.width, follow(self.width, width, height))
        }
    }
}

impl Part {
    /// The same part of a picture as it is stored, of `width` times `height` pixels, where this is a part of it as it
    /// is shown.
    pub(super) fn as_stored(self, orientation: Orientation, width: u32, height: u32) -> Self {
        let right = f64::from(width);
        let bottom = f64::from(height);
        let Self {
            left,
            top,
            width,
            height,
        } = self;
        let (left, top, width, height) = match orientation {
            Orientation::NoTransforms => (left, top, width, height),
            Orientation::FlipHorizontal => (right - left - width, top, width, height),
            Orientation::FlipVertical => (left, bottom - top - height, width, height),
            Orientation::Rotate180 => (right - left - width, bottom - top - height, width, height),
            Orientation::Rotate90 => (top, bottom - left - width, height, width),
            Orientation::Rotate270 => (right - top - height, left, height, width),
            Orientation::Rotate90FlipH => (top, left, height, width),
            Orientation::Rotate270FlipH => (right - top - height, bottom - left - width, height, width),
        };
        Self {
            left: left.max(0.0),
            top: top.max(0.0),
            width,
            height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_two_numbers_and_how_to_fit() {
        for text in ["1x1", "0x7", "7x0", "100x100t", "007x005b", "9x9f"] {
            assert!(ThumbSize::parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "x",
            "0x0",
            "00x0f",
            "1x",
            "x1",
            "1x1c",
            "-1x1",
            "1x1tt",
            "+1x1",
            "1 x1",
            "99999999999x1",
            "é",
        ] {
            assert_eq!(ThumbSize::parse(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_those_that_pocketbase_makes() {
        for (size, source, made) in [
            ("50x40", (300, 120), (50, 40)),
            ("50x40f", (300, 120), (50, 20)),
            ("50x40f", (120, 300), (16, 40)),
            ("50x40f", (120, 90), (50, 37)),
            ("50x0", (120, 90), (50, 38)),
            ("0x40", (120, 90), (53, 40)),
            ("400x0", (3, 2), (400, 267)),
            ("400x400f", (3, 2), (3, 2)),
            ("10x10f", (1000, 1), (10, 1)),
        ] {
            assert_eq!(
                ThumbSize::parse(size).unwrap().of(source.0, source.1).1,
                made,
                "{size} of {source:?}"
            );
        }
    }

    #[test]
    fn a_part_of_a_turned_picture_is_where_it_is_stored() {
        // Shown 20 wide and 30 high, stored 30 wide and 20 high; the top third.
        let top = ThumbSize::parse("20x10t").unwrap().of(20, 30).0;
        let stored = |orientation| {
            let part = top.as_stored(orientation, 30, 20);
            (part.left, part.top, part.width, part.height)
        };
        assert_eq!(stored(Orientation::Rotate90), (0.0, 0.0, 10.0, 20.0));
        assert_eq!(stored(Orientation::Rotate270), (20.0, 0.0, 10.0, 20.0));
        assert_eq!(stored(Orientation::Rotate90FlipH), (0.0, 0.0, 10.0, 20.0));
        assert_eq!(stored(Orientation::Rotate270FlipH), (20.0, 0.0, 10.0, 20.0));
    }
}
