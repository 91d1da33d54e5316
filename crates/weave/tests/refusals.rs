//! What does not fit is told: by weave where the composition contradicts itself, by rustc where crate and module disagree.

mod common;

use common::{check, composition, weave};
use serde_json::json;
use weave::composition::{Composition, Node};

fn node<'a>(composition: &'a mut Composition, room: &str) -> &'a mut Node {
    composition.nodes.iter_mut().find(|node| node.room == room).unwrap()
}

/// What rustc says to the image.
fn words_of_rustc(composition: &Composition) -> String {
    let out = tempfile::tempdir().unwrap();
    weave(composition, out.path()).unwrap();
    let output = check(out.path());
    assert!(!output.status.success(), "it compiled");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What weave says.
fn words_of_weave(composition: &Composition) -> String {
    let out = tempfile::tempdir().unwrap();
    weave(composition, out.path()).unwrap_err().to_string()
}

#[test]
fn a_missing_setting_is_an_error_of_rustc() {
    let mut composition = composition("small");
    node(&mut composition, "bench").settings.clear();
    let words = words_of_rustc(&composition);
    assert!(words.contains("missing field `boot_stack_kib` in initializer of `bench::Config`"), "{words}");
}

#[test]
fn a_setting_that_the_room_lacks_is_an_error_of_rustc() {
    let mut composition = composition("small");
    let bench = node(&mut composition, "bench");
    bench.settings.insert("color".into(), bench.settings["bootStackKiB"].clone());
    let words = words_of_rustc(&composition);
    assert!(words.contains("struct `bench::Config` has no field named `color`"), "{words}");
}

#[test]
fn a_setting_out_of_range_is_an_error_of_rustc() {
    let mut composition = composition("small");
    node(&mut composition, "bench").settings.get_mut("bootStackKiB").unwrap().value = json!(65536);
    let words = words_of_rustc(&composition);
    assert!(words.contains("literal out of range for `u16`"), "{words}");
}

#[test]
fn a_provider_without_the_trait_is_an_error_of_rustc() {
    let mut composition = composition("small");
    composition.interfaces.get_mut("bell").unwrap().trait_name = "Bell + iface_platform::Platform".into();
    let words = words_of_rustc(&composition);
    assert!(words.contains("the trait bound `board::Bell: Platform` is not satisfied"), "{words}");
}

#[test]
fn problems_of_evaluation_end_it() {
    let mut composition = composition("small");
    composition.problems.push("`probe` needs `bell`, and nothing provides it".into());
    assert!(words_of_weave(&composition).contains("`probe` needs `bell`, and nothing provides it"));
}

#[test]
fn two_providers_of_one_are_refused() {
    let mut composition = composition("small");
    node(&mut composition, "probe").needs.insert("bell".into(), vec!["board".into(), "pile".into()]);
    assert_eq!(words_of_weave(&composition), "`probe` needs `bell`, which does not admit 2 providers");
}

#[test]
fn an_interface_that_nobody_describes_is_refused() {
    let mut composition = composition("small");
    composition.interfaces.remove("bell");
    let words = words_of_weave(&composition);
    assert!(words.contains("names the interface `bell`, and `interfaces` does not describe it"), "{words}");
}

#[test]
fn a_room_without_a_directory_is_refused_with_who_names_it() {
    let mut composition = composition("small");
    composition.rooms.remove("iface-heap");
    let words = words_of_weave(&composition);
    assert!(words.contains("names the room `iface-heap`, and `rooms` has no directory for it"), "{words}");
}

#[test]
fn an_image_without_an_application_is_refused() {
    let mut composition = composition("small");
    composition.nodes.pop();
    assert_eq!(words_of_weave(&composition), "the composition has no node of kind `application`");
}
