//! Text of a peer that may not be valid UTF-8.
//!
//! Replaces what is invalid by U+FFFD just as Java does, so that both sides of a connection see the same text.

use alloc::borrow::Cow;
use alloc::string::String;

/// The text of these bytes. Each sequence that is no UTF-8 becomes one U+FFFD; as for Java, that is one for a whole
/// surrogate of three bytes, which Java writes twice for a character above the basic plane.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Err(error) = str::from_utf8(rest) {
        let (valid, invalid) = rest.split_at(error.valid_up_to());
        text.push_str(str::from_utf8(valid).unwrap_or_default());
        text.push(char::REPLACEMENT_CHARACTER);
        let length = match *invalid {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            _ => error.error_len().unwrap_or(invalid.len()),
        };
        rest = invalid.get(length..).unwrap_or_default();
    }
    text.push_str(str::from_utf8(rest).unwrap_or_default());
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_invalid_is_replaced_as_java_does() {
        for (bytes, text) in [
            (&b"a\xc3\xa4b"[..], "a\u{e4}b"),
            (b"", ""),
            (b"\xf0\x9f\x98\x80", "\u{1f600}"),
            (b"a\xff\xfeb", "a\u{fffd}\u{fffd}b"),
            (b"\xed\xa0\xbd\xed\xb8\x80", "\u{fffd}\u{fffd}"),
            (b"\xed\xa0\xbdx", "\u{fffd}x"),
            (b"\xed\xbf\xbf", "\u{fffd}"),
            (b"\xed\xa0", "\u{fffd}"),
            (b"\xed\xa0x", "\u{fffd}x"),
            (b"\xed\xa0\xc3\xa4", "\u{fffd}\u{e4}"),
            (b"\xed", "\u{fffd}"),
            (b"\xe2\x82", "\u{fffd}"),
            (b"\xe2\x82x", "\u{fffd}x"),
            (b"\xc0\x80", "\u{fffd}\u{fffd}"),
            (b"\xf5\x80x", "\u{fffd}\u{fffd}x"),
        ] {
            assert_eq!(lossy(bytes), text, "{bytes:x?}");
        }
    }
}
