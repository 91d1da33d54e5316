//! The glue: `main.rs` of an image, straight down in the order of needs.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::composition::{Arity, Composition, Interface, Kind, Node};
use crate::error::Error;
use crate::layout::{assignment, braced};
use crate::literal::{File, Literals};
use crate::names::{screaming, snake};

/// The interface through which every image ends.
const PLATFORM: &str = "platform";

/// Writes `main.rs` of the image.
///
/// # Errors
/// When the composition is contradictory: a setting that is not of its type, a need with a number of providers that
/// its interface does not admit, an interface that nobody describes, no platform or no application.
pub fn main_rs(composition: &Composition) -> Result<String, Error> {
    let glue = Glue::new(composition)?;
    let mut parts =
        vec![glue.head(), glue.settings()?, glue.statics()?, glue.start()?, glue.panic(), STARTED.to_owned()];
    if glue.has_many() {
        parts.push(EVERY.to_owned());
    }
    parts.push(glue.proofs()?);
    Ok(parts.join("\n"))
}

/// Files that settings carry into the image, in the order of the glue.
///
/// # Errors
/// When a setting is not of its type.
pub fn files(composition: &Composition) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    for node in &composition.nodes {
        let mut literals = Literals::of(node);
        literals.fields()?;
        files.append(&mut literals.files);
    }
    Ok(files)
}

/// Packages that the glue names: the rooms that run, and the interfaces at which they meet.
pub fn packages(composition: &Composition) -> Result<BTreeSet<String>, Error> {
    let glue = Glue::new(composition)?;
    let mut packages: BTreeSet<String> = composition.nodes.iter().map(|node| node.room.clone()).collect();
    for (name, named_by) in glue.needed().into_iter().chain([(PLATFORM, composition.platform.as_str())]) {
        packages.insert(glue.interface(name, named_by)?.package.clone());
    }
    Ok(packages)
}

const STARTED: &str = r#"/// What a room provides, or the end of the image with the room's own words.
fn started<T, E: core::fmt::Display>(room: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("room {room} did not start: {error}"))
}
"#;

const EVERY: &str = "/// The providers of an interface that admits any number.
fn every<T: ?Sized, const N: usize>(providers: [&'static T; N]) -> &'static [&'static T] {
    alloc::boxed::Box::leak(alloc::boxed::Box::new(providers))
}
";

const PAGE: &str = "/// A file of the image, at the start of a page so that it can be mapped without a copy.
#[repr(C, align(4096))]
struct Page<T: ?Sized>(T);
";

struct Glue<'a> {
    composition: &'a Composition,
    platform: &'a Node,
}

impl<'a> Glue<'a> {
    fn new(composition: &'a Composition) -> Result<Self, Error> {
        let platform = composition.only(Kind::Platform).ok_or(Error::MissingKind("platform"))?;
        composition.only(Kind::Application).ok_or(Error::MissingKind("application"))?;
        Ok(Self { composition, platform })
    }

    fn interface(&self, name: &str, named_by: &str) -> Result<&'a Interface, Error> {
        self.composition
            .interfaces
            .get(name)
            .ok_or_else(|| Error::UnknownInterface { interface: name.to_owned(), room: named_by.to_owned() })
    }

    /// Interfaces needed in the image, each with a room that needs it.
    fn needed(&self) -> Vec<(&'a str, &'a str)> {
        let mut seen = BTreeSet::new();
        let needs = self
            .composition
            .nodes
            .iter()
            .flat_map(|node| node.needs.keys().map(|name| (name.as_str(), node.room.as_str())));
        needs.filter(|(name, _)| seen.insert(*name)).collect()
    }

    fn head(&self) -> String {
        let Composition { app, platform, arch, .. } = self.composition;
        let alloc = if self.has_many() { "\nextern crate alloc;\n" } else { "" };
        format!(
            "//! {app} for {platform} on {arch}: what `unikernel.nix` chose, started in the order of needs.\n\
             //!\n\
             //! Written by weave; a change here is lost.\n\
             #![no_std]\n\
             #![no_main]\n{alloc}"
        )
    }

    /// Whether a need is met by any number of providers.
    fn has_many(&self) -> bool {
        let is_many = |name: &str| {
            self.composition.interfaces.get(name).is_some_and(|interface| interface.arity == Arity::Many)
        };
        self.needed().into_iter().any(|(name, _)| is_many(name) && self.has_provider(name))
    }

    /// One `static` a room, and one a file that a setting names.
    fn settings(&self) -> Result<String, Error> {
        let mut out = String::new();
        for node in &self.composition.nodes {
            let mut literals = Literals::of(node);
            let fields = literals.fields()?;
            let constants = literals.constants()?;
            let crate_name = snake(&node.room);
            let head = format!(
                "static {}: {crate_name}::Config{constants} = {crate_name}::Config",
                screaming(&node.room)
            );
            let _ = writeln!(out, "/// Settings of {}, from `{}`.", node.room, origin(node));
            out += &braced(0, &head, &fields, ";");
        }
        let files = files(self.composition)?;
        Ok(if files.is_empty() { out } else { format!("{out}\n{PAGE}\n{}", file_statics(&files)) })
    }

    /// One `static` an interface whose provider is a static of the image.
    fn statics(&self) -> Result<String, Error> {
        let mut out = String::new();
        for node in &self.composition.nodes {
            for name in &node.provides {
                let Some(attribute) = &self.interface(name, &node.room)?.static_attribute else { continue };
                let crate_name = snake(&node.room);
                let left = format!("static {}: {crate_name}::Provider", screaming(name));
                let right = format!("{crate_name}::Provider::new(&{})", screaming(&node.room));
                let _ = write!(out, "/// {}, which provides `{name}`.\n{attribute}\n", node.room);
                out += &assignment(0, &left, &right);
                out.push('\n');
            }
        }
        Ok(out + &format!("{}::entry!(start);\n", snake(&self.platform.room)))
    }

    fn start(&self) -> Result<String, Error> {
        let platform = snake(&self.platform.room);
        let mut out = format!("fn start(boot: {platform}::Boot) -> ! {{\n");
        for node in &self.composition.nodes {
            let _ = writeln!(out, "    // {}: {}.", node.room, node.why);
            out += &match node.kind {
                Kind::Application => self.run(node)?,
                Kind::Arch | Kind::Platform | Kind::Library => self.init(node)?,
            };
        }
        let package = snake(&self.interface(PLATFORM, &self.platform.room)?.package);
        let _ = writeln!(
            out,
            "    {package}::Platform::exit(&{platform}.platform, {package}::Termination::status(status))"
        );
        Ok(out + "}\n")
    }

    fn init(&self, node: &Node) -> Result<String, Error> {
        let crate_name = snake(&node.room);
        let (statement, needs) = self.needs(node)?;
        let boot = if node.kind == Kind::Platform { "boot, " } else { "" };
        let call = format!("{crate_name}::init(&{}, {boot}{needs})", screaming(&node.room));
        let name = if self.is_used(node) { &crate_name } else { "_" };
        Ok(statement + &assignment(4, &format!("let {name}"), &format!("started({:?}, {call})", node.room)))
    }

    fn run(&self, node: &Node) -> Result<String, Error> {
        let (statement, needs) = self.needs(node)?;
        let call = format!("{}::main(&{}, {needs})", snake(&node.room), screaming(&node.room));
        let platform = snake(&self.platform.room);
        Ok(statement + &assignment(4, "let status", &format!("{platform}::main(|| {call})")))
    }

    /// The statement that gathers a room's needs, and the expression that passes them.
    fn needs(&self, node: &Node) -> Result<(String, String), Error> {
        let crate_name = snake(&node.room);
        if node.needs.is_empty() {
            return Ok((String::new(), format!("{crate_name}::Needs {{}}")));
        }
        let fields = node
            .needs
            .iter()
            .map(|(name, providers)| {
                Ok(format!("{}: {}", snake(name), self.provided(node, name, providers)?))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok((braced(4, &format!("let needs = {crate_name}::Needs"), &fields, ";"), "needs".to_owned()))
    }

    /// The value passed for a need.
    fn provided(&self, node: &Node, name: &str, providers: &[String]) -> Result<String, Error> {
        let interface = self.interface(name, &node.room)?;
        let value = |room: &String| match interface.static_attribute {
            Some(_) => format!("prove::{}(&{})", snake(name), screaming(name)),
            None => format!("prove::{0}({1}.{0})", snake(name), snake(room)),
        };
        match (interface.arity, providers) {
            (Arity::One, [room]) => Ok(value(room)),
            (Arity::Optional, [room]) => Ok(format!("Some({})", value(room))),
            (Arity::Optional, []) => Ok(format!("None::<{}::Absent>", snake(&interface.package))),
            (Arity::Many, []) => Ok("&[]".to_owned()),
            (Arity::Many, rooms) => {
                let values: Vec<_> = rooms.iter().map(value).collect();
                Ok(format!("every([{}])", values.join(", ")))
            }
            (Arity::One | Arity::Optional, providers) => Err(Error::Providers {
                interface: name.to_owned(),
                room: node.room.clone(),
                count: providers.len(),
            }),
        }
    }

    /// Whether a later line names what this room's `init` returned.
    fn is_used(&self, provider: &Node) -> bool {
        let by_value = |name: &str| {
            self.composition
                .interfaces
                .get(name)
                .is_some_and(|interface| interface.static_attribute.is_none())
        };
        let needs = |node: &Node| {
            node.needs.iter().any(|(name, providers)| by_value(name) && providers.contains(&provider.room))
        };
        provider.kind == Kind::Platform || self.composition.nodes.iter().any(needs)
    }

    fn panic(&self) -> String {
        format!(
            "#[panic_handler]\n\
             fn panic(info: &core::panic::PanicInfo<'_>) -> ! {{\n    {}::panic(info)\n}}\n",
            snake(&self.platform.room)
        )
    }

    fn proofs(&self) -> Result<String, Error> {
        let mut out =
            "/// One function an interface: a provider that lacks the trait is an error of rustc here.\n\
                       mod prove {\n"
                .to_owned();
        let mut needed = self.needed();
        needed.retain(|(name, _)| self.has_provider(name));
        needed.sort_unstable();
        let functions = needed
            .iter()
            .map(|(name, room)| Ok(proof(name, self.interface(name, room)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        out += &functions.join("\n");
        Ok(out + "}\n")
    }

    fn has_provider(&self, interface: &str) -> bool {
        let bound = |node: &Node| node.needs.get(interface).is_some_and(|providers| !providers.is_empty());
        self.composition.nodes.iter().any(bound)
    }
}

/// Where the user sets the options of a node.
fn origin(node: &Node) -> String {
    match node.kind {
        Kind::Application => "app.settings".to_owned(),
        Kind::Arch | Kind::Platform | Kind::Library => format!("libs.{}", node.room),
    }
}

fn file_statics(files: &[File]) -> String {
    let statics = files.iter().map(|file| {
        let bytes = format!("&Page(*include_bytes!(\"../files/{}\"))", file.copy());
        assignment(0, &format!("static {}: &Page<[u8]>", file.name), &bytes)
    });
    statics.collect()
}

/// The function that only a provider of the trait passes.
fn proof(name: &str, interface: &Interface) -> String {
    let bound = format!("{}::{}", snake(&interface.package), interface.trait_name);
    let (parameter, result, body) = match (interface.arity, &interface.static_attribute) {
        (Arity::Many, _) => (
            "T",
            format!("&'static dyn {bound}"),
            "alloc::boxed::Box::leak(alloc::boxed::Box::new(provider))",
        ),
        (_, Some(_)) => ("&'static T", "&'static T".to_owned(), "provider"),
        (_, None) => ("T", "T".to_owned(), "provider"),
    };
    let lifetime = if interface.arity == Arity::Many { " + 'static" } else { "" };
    format!(
        "    pub fn {}<T: {bound}{lifetime}>(provider: {parameter}) -> {result} {{\n        {body}\n    }}\n",
        snake(name)
    )
}
