//! Bytes of an image by the crate they come from, as its symbols tell.

use std::collections::BTreeMap;

use object::{Object, ObjectSymbol, SymbolKind};

use crate::Error;

/// What no symbol accounts for: headers, padding, string literals, assembly without sizes.
pub const UNNAMED: &str = "(unnamed)";

/// Bytes in the stripped image of `total` bytes by crate name.
///
/// Symbols without bytes in the file (zero-initialised memory) do not count.
///
/// # Errors
/// When `linked` is no ELF file.
pub fn by_crate(linked: &[u8], total: u64) -> Result<BTreeMap<String, u64>, Error> {
    let file = object::File::parse(linked)?;
    let mut sizes = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.size() > 0 && is_in_file(&file, symbol)) {
        let name = symbol.name().map(crate_of).unwrap_or_else(|_| UNNAMED.to_owned());
        *sizes.entry(name).or_insert(0) += symbol.size();
    }
    let named: u64 = sizes.iter().filter(|(name, _)| *name != UNNAMED).map(|(_, size)| size).sum();
    sizes.insert(UNNAMED.to_owned(), total.saturating_sub(named));
    Ok(sizes)
}

fn is_in_file<'data>(file: &object::File<'data>, symbol: &impl ObjectSymbol<'data>) -> bool {
    use object::{ObjectSection, SectionKind};
    let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
    let is_stored = section.is_some_and(|section| section.kind() != SectionKind::UninitializedData);
    is_stored && matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown)
}

/// The crate of a mangled name: the first path in it, that of the type for a method of a trait.
fn crate_of(symbol: &str) -> String {
    let Ok(name) = rustc_demangle::try_demangle(symbol) else { return UNNAMED.to_owned() };
    let name = format!("{name:#}");
    let path = name.split("::").next().unwrap_or_default();
    // `<&mut [kvm::Page] as …>`: the crate is the last word before the first `::`.
    let word = path.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
    if word.is_empty() || !name.contains("::") { UNNAMED.to_owned() } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_mangled_names() {
        assert_eq!(crate_of("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"), "core");
        assert_eq!(
            crate_of("_ZN46_$LT$kvm..Com1$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE"),
            "kvm"
        );
        assert_eq!(crate_of("_RNvCs15kBYyAo9fc_7mycrate7example"), "mycrate");
        assert_eq!(crate_of("unicore_entry"), UNNAMED);
    }
}
