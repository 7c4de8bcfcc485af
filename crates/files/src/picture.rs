//! A picture in memory, made small. What it takes is known before it is decoded.

use std::io::{self, Cursor};

use fast_image_resize::{
    FilterType, IntoImageView as _, IntoImageViewMut as _, PixelType, ResizeAlg, ResizeError, ResizeOptions, Resizer,
    pixels,
};
use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::thumb_size::{Part, ThumbSize};

/// Quality of a JPEG, as PocketBase has it.
const QUALITY: u8 = 95;
/// So many scans a JPEG may have: each goes over all of the picture again, and takes a few bytes.
const MOST_SCANS: usize = 200;
/// A bound for what a decoder allocates beside the picture, in bytes.
const SPARE: u64 = 16 << 20;

/// A picture that was looked at and not decoded yet.
pub(super) struct Picture<'a> {
    bytes: &'a [u8],
    format: ImageFormat,
    orientation: Orientation,
    /// As it is stored.
    width: u32,
    height: u32,
    part: Part,
    /// As they will be shown.
    target: (u32, u32),
    cost: u64,
}

/// A picture that was made small.
pub(super) struct Small {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: &'static str,
}

/// Whether thumbnails are made of files of that type.
pub(super) fn is_picture(content_type: &str) -> bool {
    format(content_type).is_some()
}

fn format(content_type: &str) -> Option<ImageFormat> {
    Some(match content_type {
        "image/png" => ImageFormat::Png,
        "image/jpeg" | "image/jpg" => ImageFormat::Jpeg,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        _ => return None,
    })
}

impl<'a> Picture<'a> {
    /// Looks at the head of the picture that `bytes` are.
    ///
    /// # Errors
    ///
    /// `InvalidData` where they are none, or one that takes too long.
    pub(super) fn look(bytes: &'a [u8], content_type: &str, size: ThumbSize) -> io::Result<Self> {
        let format = format(content_type).ok_or_else(|| refused("not a picture"))?;
        let mut decoder = decoder(bytes, format, SPARE)?;
        // Of the others PocketBase shows what is stored.
        let orientation = if format == ImageFormat::Jpeg {
            decoder.orientation().unwrap_or(Orientation::NoTransforms)
        } else {
            Orientation::NoTransforms
        };
        let (width, height) = decoder.dimensions();
        if width == 0 || height == 0 {
            return Err(refused("empty"));
        }
        let (shown_width, shown_height) = if is_turned(orientation) {
            (height, width)
        } else {
            (width, height)
        };
        let (part, target) = size.of(shown_width, shown_height);
        let mut picture = Self {
            bytes,
            format,
            orientation,
            width,
            height,
            part: part.as_stored(orientation, width, height),
            target,
            cost: 0,
        };
        picture.cost = picture.cost(decoder.color_type(), decoder.total_bytes())?;
        Ok(picture)
    }

    /// An upper bound of what making it small takes, in bytes, with what the decoder copies of the file.
    fn cost(&self, color: ColorType, decoded: u64) -> io::Result<u64> {
        let pixels = u64::from(self.width).saturating_mul(u64::from(self.height));
        let beside = match self.format {
            ImageFormat::Jpeg => {
                let marks = |mark: u8| self.bytes.windows(2).filter(move |pair| **pair == [0xff, mark]).count();
                if marks(0xda) > MOST_SCANS {
                    return Err(refused("a JPEG of too many scans"));
                }
                if !is_whole_jpeg(self.bytes) {
                    return Err(refused("a JPEG that was cut off"));
                }
                // The coefficients of all channels are kept until the last scan.
                let coefficients = if marks(0xc2) > 0 { pixels.saturating_mul(6) } else { 0 };
                coefficients.saturating_add(self.bytes.len() as u64)
            }
            // A frame before it is put on its canvas, or a picture with an alpha channel that is taken away.
            ImageFormat::Gif | ImageFormat::WebP => pixels.saturating_mul(6),
            _ => 0,
        };
        // Colours are multiplied by their alpha in a copy.
        let premultiplied = if color.has_alpha() { decoded } else { 0 };
        let (width, height) = self.stored_target();
        // Once in each direction, then what is encoded.
        let each = u64::from(color.bytes_per_pixel());
        let between = u64::from(width).saturating_mul(self.part.height as u64 + 1);
        let made = u64::from(width).saturating_mul(u64::from(height));
        Ok(decoded
            .saturating_add(beside)
            .saturating_add(premultiplied)
            .saturating_add(between.saturating_mul(each))
            .saturating_add(made.saturating_mul(each + 12)))
    }

    /// See [`Picture::look`]: what [`Picture::shrink`] holds in memory at the most, in bytes.
    pub(super) fn bytes_needed(&self) -> u64 {
        self.cost
    }

    /// Decodes it and makes it small. Of one that moves it takes the first frame.
    ///
    /// # Errors
    ///
    /// `InvalidData` where it can't be decoded.
    pub(super) fn shrink(self) -> io::Result<Small> {
        let decoder = decoder(self.bytes, self.format, self.cost.saturating_add(SPARE))?;
        let source = DynamicImage::from_decoder(decoder).map_err(damaged)?;
        let (width, height) = self.stored_target();
        let mut small = DynamicImage::new(width, height, source.color());
        let Part {
            left,
            top,
            width,
            height,
        } = self.part;
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(left, top, width, height);
        resize(&source, &mut small, &options)?;
        drop(source);
        small.apply_orientation(self.orientation);
        encode(&small, self.format).map_err(damaged)
    }

    /// How large it becomes before it is turned.
    fn stored_target(&self) -> (u32, u32) {
        let (width, height) = self.target;
        if is_turned(self.orientation) {
            (height, width)
        } else {
            (width, height)
        }
    }
}

/// What [`Resizer::resize`] does, for the pixels that the decoders give. It compiles itself for all thirteen kinds,
/// floats among them, which took as long as all of `app`.
fn resize(source: &DynamicImage, small: &mut DynamicImage, options: &ResizeOptions) -> io::Result<()> {
    macro_rules! by_kind {
        ($($kind:ident)*) => {
            match source.pixel_type() {
                $(Some(PixelType::$kind) => match (source.image_view::<pixels::$kind>(), small.image_view_mut::<pixels::$kind>()) {
                    (Some(source), Some(mut small)) => Resizer::new().resize_typed(&source, &mut small, options),
                    _ => Err(ResizeError::PixelTypesAreDifferent),
                },)*
                _ => Err(ResizeError::PixelTypesAreDifferent),
            }
        };
    }
    by_kind!(U8 U8x2 U8x3 U8x4 U16 U16x2 U16x3 U16x4).map_err(|error| refused(&error.to_string()))
}

fn is_turned(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}

fn decoder(bytes: &[u8], format: ImageFormat, most: u64) -> io::Result<impl ImageDecoder + '_> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(most);
    reader.limits(limits);
    reader.into_decoder().map_err(damaged)
}

/// In the picture's own format, and a WebP as PNG, as PocketBase does.
fn encode(small: &DynamicImage, format: ImageFormat) -> Result<Small, ImageError> {
    let mut bytes = Vec::new();
    let content_type = match format {
        ImageFormat::Jpeg => {
            small
                .to_rgb8()
                .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
            "image/jpeg"
        }
        ImageFormat::Gif => {
            let colours = small.to_rgba8();
            let mut encoder = GifEncoder::new_with_speed(&mut bytes, 10);
            encoder.encode(&colours, colours.width(), colours.height(), ColorType::Rgba8.into())?;
            drop(encoder);
            "image/gif"
        }
        _ => {
            let encoder = PngEncoder::new(&mut bytes);
            let colours = small.color().has_alpha().then(|| small.to_rgba8());
            match colours.filter(|colours| colours.pixels().any(|pixel| pixel.0[3] < u8::MAX)) {
                Some(colours) => colours.write_with_encoder(encoder)?,
                None => small.to_rgb8().write_with_encoder(encoder)?,
            }
            "image/png"
        }
    };
    Ok(Small { bytes, content_type })
}

/// Whether a JPEG comes to its end. The decoder makes up what is missing of one that was cut off; PocketBase shows what
/// is stored. Within a scan no such mark can occur (ITU-T T.81, B.1.1.5).
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let last = |mark: u8| bytes.windows(2).rposition(|pair| pair == [0xff, mark]);
    matches!((last(0xda), last(0xd9)), (Some(scan), Some(end)) if scan < end)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

fn damaged(error: ImageError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(text: &str) -> ThumbSize {
        ThumbSize::parse(text).unwrap()
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7]));
        picture.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    #[test]
    fn its_colours_stay_where_they_were() {
        let bytes = png(200, 100);
        let small = Picture::look(&bytes, "image/png", size("10x10b"))
            .unwrap()
            .shrink()
            .unwrap();
        let made = image::load_from_memory(&small.bytes).unwrap().to_rgb8();
        assert_eq!((made.dimensions(), small.content_type), ((10, 10), "image/png"));
        // The middle 100 of 200 columns.
        assert!(made.get_pixel(0, 0).0[0].abs_diff(55) < 4 && made.get_pixel(9, 0).0[0].abs_diff(145) < 4);
    }

    #[test]
    fn a_large_one_costs_what_its_head_says() {
        let mut bytes = png(2, 2);
        // Width and height of the header, and its checksum.
        bytes[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
        let checksum = crc(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        let picture = Picture::look(&bytes, "image/png", size("100x100")).unwrap();
        assert!(picture.bytes_needed() > 2_700_000_000);
        let small = png(100, 100);
        let wanted = Picture::look(&small, "image/png", size("90000x90000")).unwrap();
        assert!(wanted.bytes_needed() > 90_000 * 90_000 * 3);
    }

    /// A telephone that is held upright stores what it sees lying, and how it was held.
    #[test]
    fn a_photograph_is_shown_as_it_was_taken() {
        let picture = image::RgbImage::from_fn(40, 20, |x, _| {
            image::Rgb(if x < 20 { [255, 0, 0] } else { [0, 0, 255] })
        });
        let mut bytes = Vec::new();
        picture
            .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 100))
            .unwrap();
        let exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        bytes.splice(2..2, exif.iter().copied());
        let shown = |text: &str| {
            let small = Picture::look(&bytes, "image/jpeg", size(text))
                .unwrap()
                .shrink()
                .unwrap();
            image::load_from_memory(&small.bytes).unwrap().to_rgb8()
        };
        let is_red = |pixel: &image::Rgb<u8>| pixel.0[0] > 200 && pixel.0[2] < 60;
        let all = shown("10x0");
        assert_eq!(all.dimensions(), (10, 20));
        assert!(is_red(all.get_pixel(5, 2)) && !is_red(all.get_pixel(5, 17)));
        assert!(shown("10x10t").pixels().all(is_red));
        assert!(!shown("10x10b").pixels().any(is_red));
    }

    /// A thumbnail was made of it, grey where it was cut off, and kept.
    #[test]
    fn a_photograph_that_was_cut_off_is_refused() {
        let picture = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8, y as u8, 9]));
        let mut bytes = Vec::new();
        picture
            .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 100))
            .unwrap();
        assert!(Picture::look(&bytes, "image/jpeg", size("10x0")).is_ok());
        for missing in [1, 2, 300] {
            let cut = &bytes[..bytes.len() - missing];
            assert!(Picture::look(cut, "image/jpeg", size("10x0")).is_err(), "{missing}");
        }
        bytes.extend_from_slice(b"what others add behind it");
        assert!(Picture::look(&bytes, "image/jpeg", size("10x0")).is_ok());
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
            })
        })
    }

    #[test]
    fn bytes_that_are_no_picture_are_refused() {
        let cut = &png(50, 50)[..60];
        let looked = Picture::look(cut, "image/png", size("1x1"));
        assert!(looked.and_then(Picture::shrink).is_err());
        for content_type in ["image/png", "image/jpeg", "image/gif", "image/webp"] {
            assert!(Picture::look(b"no picture", content_type, size("1x1")).is_err());
        }
    }
}
