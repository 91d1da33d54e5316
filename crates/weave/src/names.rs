//! How the names of rooms, interfaces and options are written in Rust.

/// Unit suffixes whose capital in the middle begins no new word.
const UNITS: [(&str, &str); 4] = [("KiB", "Kib"), ("MiB", "Mib"), ("GiB", "Gib"), ("kHz", "Khz")];

/// `alloc-buddy` and `heapSizeMiB` become `alloc_buddy` and `heap_size_mib`.
pub fn snake(name: &str) -> String {
    let name = UNITS.iter().fold(name.to_owned(), |name, (unit, word)| name.replace(unit, word));
    let mut out = String::with_capacity(name.len() + 4);
    let mut after_word = false;
    for c in name.chars() {
        if c.is_uppercase() && after_word {
            out.push('_');
        }
        after_word = c.is_lowercase() || c.is_ascii_digit();
        out.extend(if c == '-' { '_' } else { c }.to_lowercase());
    }
    out
}

/// `alloc-buddy` becomes `ALLOC_BUDDY`.
pub fn screaming(name: &str) -> String {
    snake(name).to_uppercase()
}

/// `first-fit` and `bufferSize` become `FirstFit` and `BufferSize`.
pub fn pascal(name: &str) -> String {
    snake(name).split('_').map(capitalised).collect()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_and_interfaces() {
        assert_eq!(snake("alloc-buddy"), "alloc_buddy");
        assert_eq!(screaming("net-device"), "NET_DEVICE");
        assert_eq!(snake("x86_64"), "x86_64");
    }

    #[test]
    fn options() {
        assert_eq!(snake("heapSizeMiB"), "heap_size_mib");
        assert_eq!(snake("bootStackKiB"), "boot_stack_kib");
        assert_eq!(snake("maxTcp4Sockets"), "max_tcp4_sockets");
        assert_eq!(snake("useDHCP"), "use_dhcp");
    }

    #[test]
    fn enums_and_their_variants() {
        assert_eq!(pascal("level"), "Level");
        assert_eq!(pascal("logLevel"), "LogLevel");
        assert_eq!(pascal("first-fit"), "FirstFit");
    }
}
