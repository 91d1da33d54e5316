//! A panic's backtrace against the image's symbols.

use std::fs;
use std::path::{Path, PathBuf};

use symbolize::Symbols;

use crate::Failure;

/// That the functions of the addresses contain the wanted texts, in their order.
pub(crate) fn names(image: &Path, addresses: &[u64], wanted: &[String]) -> Result<(), Failure> {
    let symbols = Symbols::open(&debug_file(image)?).map_err(Failure::Symbols)?;
    let got: Vec<String> = addresses.iter().flat_map(|address| symbols.frames(*address)).collect();
    in_order(got, wanted)
}

/// The one file of the image's directory whose name ends with `.debug`.
fn debug_file(image: &Path) -> Result<PathBuf, Failure> {
    let entries = fs::read_dir(image).map_err(|error| Failure::Symbols(error.to_string()))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .find(|path| path.extension().is_some_and(|extension| extension == "debug"))
        .ok_or_else(|| Failure::Symbols(format!("{} has no .debug file", image.display())))
}

fn in_order(got: Vec<String>, wanted: &[String]) -> Result<(), Failure> {
    let mut left = got.iter();
    match wanted.iter().find(|text| !left.any(|frame| frame.contains(text.as_str()))) {
        Some(text) => Err(Failure::Frame { wanted: text.clone(), got }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(got: &[&str], wanted: &[&str]) -> Result<(), Failure> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        in_order(owned(got), &owned(wanted))
    }

    #[test]
    fn functions_are_found_in_their_order_only() {
        assert!(judged(&["a::leaf at x:1", "a::main"], &["leaf", "main"]).is_ok());
        assert!(judged(&["a::main", "a::leaf"], &["leaf", "main"]).is_err());
        assert!(judged(&[], &["leaf"]).is_err());
    }

    #[test]
    fn an_image_without_symbols_is_told() {
        let image = tempfile::tempdir().unwrap();
        let told = names(image.path(), &[], &["leaf".into()]);
        assert!(matches!(told, Err(Failure::Symbols(_))), "{told:?}");
    }
}
