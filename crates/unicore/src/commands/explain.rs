//! `explain`: an image's composition for people.

use std::fmt::Write;
use std::process::ExitCode;

use crate::commands::images;
use crate::composition::{Composition, Node};
use crate::error::Error;
use crate::flake::Flake;
use crate::{names, nix};

pub(crate) fn explain(flake: &Flake, image: &str) -> Result<ExitCode, Error> {
    let images = images(flake)?;
    if !images.contains_key(image) {
        let near = names::nearest(image, images.keys().map(String::as_str));
        return Err(Error::UnknownImage { name: image.to_owned(), near });
    }
    let select = format!("pool: pool.compositions.\"{image}\"");
    let composition: Composition = nix::eval(flake, "legacyPackages", None, Some(&select))?;
    print!("{}", explanation(&composition));
    if composition.problems.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Error::Problems { image: composition.image, problems: composition.problems })
    }
}

fn explanation(composition: &Composition) -> String {
    let Composition { image, app, platform, arch, ports, .. } = composition;
    let mut text = format!("{image}: {app} for {platform} on {arch}\n");
    if !ports.is_empty() {
        let ports: Vec<String> = ports.iter().map(|(name, number)| format!("{name} {number}")).collect();
        text += &format!("ports: {}\n", ports.join(", "));
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
}
