//! The names that uploads are stored under: what they were called, made harmless, with a random part.

use bosbase_store::random_text;

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// `my_file_1_ab12cd34ef.txt` for `My File (1).txt`. `detected` is the extension (with its dot) for names that have
/// none.
pub(super) fn stored_name(original: &str, detected: &str) -> String {
    // Folders that a client puts in front are not part of the name.
    let original = original.rsplit(['/', '\\']).next().unwrap_or_default();
    let (stem, extension) = split_extension(original);
    let mut extension: String = extension
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_.*-+=#".contains(*c))
        .collect();
    extension = match extension.trim_start_matches('.') {
        "" => detected.to_owned(),
        some => format!(".{some}"),
    };
    if extension.len() > 20 {
        extension = format!(".{}", &extension[extension.len() - 20..]);
    }
    let mut stem = snake_case(stem);
    if stem.len() < 3 {
        stem.push_str(&random_text(10, ALPHABET));
    }
    stem.truncate(100);
    format!("{stem}_{}{extension}", random_text(10, ALPHABET))
}

/// The part before the extension, and the extension with its dot; two of them (`.tar.gz`) count as one.
fn split_extension(name: &str) -> (&str, &str) {
    let Some(last) = name.rfind('.') else {
        return (name, "");
    };
    let at = name[..last].rfind('.').unwrap_or(last);
    name.split_at(at)
}

/// Words of ASCII letters and digits in lower case, joined by `_`; a capital after a small letter begins a word.
fn snake_case(text: &str) -> String {
    let mut result = String::new();
    for word in text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !result.is_empty() {
            result.push('_');
        }
        let mut previous_upper = true;
        for c in word.chars() {
            if c.is_ascii_uppercase() && !previous_upper {
                result.push('_');
            }
            previous_upper = c.is_ascii_uppercase();
            result.push(c.to_ascii_lowercase());
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands before the random part and after it.
    fn parts(original: &str) -> (String, String) {
        let name = stored_name(original, ".txt");
        let (_, extension) = split_extension(&name);
        let stem = name.strip_suffix(extension).unwrap();
        let (base, random) = stem.rsplit_once('_').unwrap();
        assert_eq!(random.len(), 10, "{name}");
        (base.to_owned(), extension.to_owned())
    }

    #[test]
    fn names_are_those_that_pocketbase_makes() {
        // Recorded from PocketBase 0.40.6.
        for (original, base, extension) in [
            ("My File (1).TXT", "my_file_1", ".TXT"),
            ("a.b.c.tar.gz", "a_b_c", ".tar.gz"),
            ("ünïcödé ñame.png", "n_c_d_ame", ".png"),
            (
                "UPPER CamelCase_file-name.v2.JPEG",
                "upper_camel_case_file_name",
                ".v2.JPEG",
            ),
            ("sp ace.t x t", "sp_ace", ".txt"),
            ("../../etc/passwd", "passwd", ".txt"),
            ("HTTPServer2Go.md", "httpserver2_go", ".md"),
        ] {
            assert_eq!(parts(original), (base.to_owned(), extension.to_owned()), "{original}");
        }
    }

    #[test]
    fn short_and_foreign_names_get_more_random_characters() {
        for original in ["x.txt", "日本語.txt", "..", "..txt"] {
            let (base, extension) = parts(original);
            assert!(base.len() >= 10, "{original}");
            assert_eq!(extension, ".txt", "{original}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(parts(&format!("{}.txt", "a".repeat(150))).0.len(), 100);
        assert_eq!(
            parts("q.abcdefghijklmnopqrstuvwxyz").1,
            ".ghijklmnopqrstuvwxyz",
            "the last twenty characters"
        );
    }
}
