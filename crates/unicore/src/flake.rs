//! Which flake is meant, and how Nix is called for it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// A flake that composes unikernels.
pub(crate) struct Flake {
    directory: PathBuf,
    /// The checkout of Unicore, the same directory where the flake is Unicore's own.
    pub(crate) checkout: PathBuf,
    /// Directory of the flake that stands in for nixpkgs, if any.
    host_provider: Option<PathBuf>,
}

impl Flake {
    /// The flake around the current directory, or the checkout.
    pub(crate) fn find() -> Result<Self, Error> {
        let here = env::current_dir().map_err(|error| Error::File { path: ".".into(), error })?;
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let checkout = variable("UNICORE_ROOT");
        let directory = nearest_flake(&here).or_else(|| checkout.clone()).ok_or(Error::NoFlake)?;
        let checkout = checkout.unwrap_or_else(|| directory.clone());
        Ok(Self { directory, checkout, host_provider: variable("UNICORE_HOST_PROVIDER") })
    }

    /// Whether this is Unicore's own flake, not a user's.
    pub(crate) fn is_checkout(&self) -> bool {
        self.directory == self.checkout
    }

    /// An output as an installable, `…#packages.x86_64-linux.hello-kvm-x86_64`.
    pub(crate) fn output(&self, kind: &str, name: Option<&str>) -> String {
        let reference = reference(&self.directory);
        let system = system();
        match name {
            Some(name) => format!("{reference}#{kind}.{system}.\"{name}\""),
            None => format!("{reference}#{kind}.{system}"),
        }
    }

    /// `nix` with a subcommand, the features it needs and the provider.
    pub(crate) fn nix(&self, subcommand: &str) -> Command {
        let mut command = Command::new("nix");
        command.args(["--extra-experimental-features", "nix-command flakes", subcommand]);
        // A flake whose inputs are overridden, or a checkout with changes, has no lock file to write.
        command.arg("--no-write-lock-file");
        if let Some(provider) = &self.host_provider {
            let input = if self.is_checkout() { "nixpkgs" } else { "unicore/nixpkgs" };
            command.args(["--override-input", input, &format!("path:{}", provider.display())]);
        }
        command
    }
}

/// A directory as a flake reference. A checkout goes by Git, which leaves build results out; a shallow one is as good.
pub(crate) fn reference(directory: &Path) -> String {
    let path = directory.display();
    if directory.join(".git").exists() {
        format!("git+file://{path}?shallow=1")
    } else {
        format!("path:{path}")
    }
}

/// The nearest directory with a flake of its own, from this one upwards.
///
/// `hosts/debian` and the templates have a `flake.nix` too, which is no user's: a checkout's top goes before them.
fn nearest_flake(start: &Path) -> Option<PathBuf> {
    let is_checkout =
        |directory: &&Path| directory.join("unicore").is_file() && directory.join("flake.nix").is_file();
    let has_flake = |directory: &&Path| directory.join("flake.nix").is_file();
    let found = start.ancestors().find(is_checkout).or_else(|| start.ancestors().find(has_flake));
    found.map(Path::to_path_buf)
}

/// Nix's name for the machine that builds.
pub(crate) fn system() -> String {
    format!("{}-linux", env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn any_folder_of_a_checkout_means_the_checkout() {
        let root = tree(&["flake.nix", "unicore", "hosts/debian/flake.nix"]);
        assert_eq!(nearest_flake(&root.path().join("hosts/debian")).as_deref(), Some(root.path()));
    }

    #[test]
    fn a_users_flake_is_the_nearest() {
        let root = tree(&["flake.nix", "app/flake.nix", "app/src/lib.rs"]);
        assert_eq!(nearest_flake(&root.path().join("app/src")), Some(root.path().join("app")));
    }

    #[test]
    fn an_override_names_the_input_as_the_flake_knows_it() {
        let flake = |directory: &str| Flake {
            directory: directory.into(),
            checkout: "/u".into(),
            host_provider: Some("/u/hosts/debian".into()),
        };
        let arguments = |flake: Flake| {
            flake.nix("build").get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert!(arguments(flake("/u")).contains(&"nixpkgs".to_owned()));
        assert!(arguments(flake("/app")).contains(&"unicore/nixpkgs".to_owned()));
    }

    #[test]
    fn a_git_checkout_goes_by_git() {
        let root = tree(&[".git/HEAD"]);
        assert!(reference(root.path()).starts_with("git+file:///"));
        assert!(reference(&root.path().join(".git")).starts_with("path:/"));
    }
}
