//! `explain`: compositions for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use crate::commands::images;
use crate::composition::{Composition, Node};
use crate::error::Error;
use crate::flake::Flake;
use crate::{names, nix};

/// Explains the image called `name`, or every image of the application called so, side by side first.
pub(crate) fn explain(flake: &Flake, name: &str) -> Result<ExitCode, Error> {
    let images = images(flake)?;
    let meant: Vec<&str> = images
        .iter()
        .filter(|(image, summary)| *image == name || summary.app == name)
        .map(|(image, _)| image.as_str())
        .collect();
    if meant.is_empty() {
        let known = images.iter().flat_map(|(image, summary)| [image.as_str(), summary.app.as_str()]);
        return Err(Error::UnknownImage { name: name.to_owned(), near: names::nearest(name, known) });
    }
    let select = format!("pool: map (image: pool.compositions.${{image}}) {}", nix_list(&meant));
    let compositions: Vec<Composition> = nix::eval(flake, "legacyPackages", None, Some(&select))?;
    // One with problems has no rooms to show.
    let (sound, broken): (Vec<_>, Vec<_>) =
        compositions.into_iter().partition(|composition| composition.problems.is_empty());
    if sound.len() > 1 {
        println!("{}", comparison(&sound));
    }
    let explanations: Vec<String> = sound.iter().map(explanation).collect();
    print!("{}", explanations.join("\n"));
    match broken.into_iter().next() {
        None => Ok(ExitCode::SUCCESS),
        Some(broken) => Err(Error::Problems { image: broken.image, problems: broken.problems }),
    }
}

/// Names of images have no character that means something to Nix.
fn nix_list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[ {} ]", quoted.join(" "))
}

/// Who provides each interface in each image.
fn comparison(compositions: &[Composition]) -> String {
    let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (column, composition) in compositions.iter().enumerate() {
        for (interface, providers) in composition.nodes.iter().flat_map(|node| &node.needs) {
            let row = rows.entry(interface).or_insert_with(|| vec!["-".to_owned(); compositions.len()]);
            if !providers.is_empty() {
                row[column] = providers.join(", ");
            }
        }
    }
    let head =
        compositions.iter().map(|composition| format!("{}-{}", composition.platform, composition.arch));
    let table: Vec<(&str, Vec<String>)> =
        std::iter::once(("interface", head.collect())).chain(rows).collect();
    let width = |column: usize| table.iter().map(|(_, cells)| cells[column].len()).max().unwrap_or(0);
    let first = table.iter().map(|(interface, _)| interface.len()).max().unwrap_or(0);
    let line = |(interface, cells): &(&str, Vec<String>)| {
        let cells: String =
            cells.iter().enumerate().map(|(i, cell)| format!("  {cell:0$}", width(i))).collect();
        format!("{}\n", format!("{interface:first$}{cells}").trim_end())
    };
    table.iter().map(line).collect()
}

fn explanation(composition: &Composition) -> String {
    let Composition { image, app, platform, arch, ports, devices, memory_mib, .. } = composition;
    let mut text = format!("{image}: {app} for {platform} on {arch}\n");
    if !ports.is_empty() {
        let ports: Vec<String> = ports.iter().map(|(name, number)| format!("{name} {number}")).collect();
        text += &format!("ports: {}\n", ports.join(", "));
    }
    if !devices.is_empty() {
        text += &format!("devices: {}\n", devices.join(", "));
    }
    if let Some(mib) = memory_mib {
        text += &format!("memory: {mib} MiB\n");
    }
    text += "\nRooms, in the order in which they start:\n";
    text.extend(composition.nodes.iter().map(room));
    text += "\nSettings that differ from their defaults:\n";
    let changed: String = composition.nodes.iter().map(changed_settings).collect();
    text += if changed.is_empty() { "  none\n" } else { &changed };
    text
}

/// A room, why it is in, and who gives it what.
fn room(node: &Node) -> String {
    let mut text = format!("  {} ({}): {}\n", node.room, node.kind, node.summary);
    push_line(&mut text, "why", &node.why);
    if !node.provides.is_empty() {
        push_line(&mut text, "provides", &node.provides.join(", "));
    }
    for (interface, providers) in &node.needs {
        let from = if providers.is_empty() { "nobody (optional)".to_owned() } else { providers.join(", ") };
        push_line(&mut text, "needs", &format!("{interface} from {from}"));
    }
    text
}

fn push_line(text: &mut String, title: &str, content: &str) {
    // Writing to a String has no errors.
    let _ = writeln!(text, "      {title:8}  {content}");
}

/// Settings of the application have no default: all of them are shown.
fn changed_settings(node: &Node) -> String {
    let prefix =
        if node.kind == "application" { "app.settings".to_owned() } else { format!("libs.{}", node.room) };
    let mut text = String::new();
    for (name, setting) in node.settings.iter().filter(|(_, setting)| setting.value != setting.default) {
        let _ = write!(text, "  {prefix}.{name} = {}", setting.value);
        if !setting.default.is_null() {
            let _ = write!(text, " (default {})", setting.default);
        }
        if !setting.defined_in.is_empty() {
            let _ = write!(text, ", set in {}", setting.defined_in.join(" and "));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPOSITION: &str = include_str!("../../tests/fixtures/composition.json");

    #[test]
    fn rooms_reasons_providers_and_changes_are_told() {
        let text = explanation(&serde_json::from_str(COMPOSITION).unwrap());
        assert_eq!(text, include_str!("../../tests/fixtures/explanation.txt"));
    }

    #[test]
    fn images_of_an_application_stand_side_by_side() {
        let first: Composition = serde_json::from_str(COMPOSITION).unwrap();
        let mut second: Composition = serde_json::from_str(COMPOSITION).unwrap();
        second.platform = "elsewhere".to_owned();
        for node in &mut second.nodes {
            node.needs.retain(|interface, _| interface != "console");
        }
        let text = comparison(&[first, second]);
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(text.lines().next().unwrap())[2], "elsewhere-x86_64", "{text}");
        let console = text.lines().find(|line| line.starts_with("console ")).map(words).unwrap();
        assert_eq!(console, ["console", "linux", "-"]);
    }
}
