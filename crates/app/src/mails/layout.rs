//! The page around a mail's body.

/// `body` in a page that mail programs show decently. A link of the class `btn` looks like a button, as in PocketBase's
/// templates.
pub(super) fn page(body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n\
         body {{ margin: 0; padding: 24px; color: #1a1a1a; background: #ffffff; font: 15px/1.5 sans-serif; }}\n\
         p {{ margin: 0 0 12px; }}\n\
         .btn {{ display: inline-block; padding: 10px 24px; border-radius: 4px; color: #ffffff; background: #1a1a1a;\n\
         text-decoration: none; font-weight: bold; }}\n\
         </style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
}
