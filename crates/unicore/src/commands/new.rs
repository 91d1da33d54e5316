//! `new`: a directory for a new application, from the checkout's `templates/app`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::error::Error;
use crate::flake::{self, Flake};
use crate::names;

/// What stands for the application's name in the template, in contents and names of files.
const NAME: &str = "greeter";

/// Where the template's flake takes Unicore from; a new one takes it from the checkout at hand.
const PINNED: &str = "git+https://xenbits.xenproject.org/git-http/unicore.git";

pub(crate) fn new(flake: &Flake, name: &str) -> Result<ExitCode, Error> {
    names::check_application(name)?;
    let image = format!("{name}-linux-{}", std::env::consts::ARCH);
    let (directory, next) = if flake.is_checkout() && inside(&flake.checkout) {
        let directory = flake.checkout.join("examples").join(name);
        copy_template(flake, name, &directory, Some("flake.nix"))?;
        make_known_to_git(&flake.checkout, &directory);
        (directory, format!("./unicore run {image}"))
    } else {
        let directory = current_directory()?.join(name);
        copy_template(flake, name, &directory, None)?;
        // The command means the flake of the directory that it is called in.
        (directory, format!("cd {name} && {}/unicore run {image}", flake.checkout.display()))
    };
    println!("{}", directory.display());
    eprintln!("made {} with unikernel.nix and a crate; next: {next}", directory.display());
    Ok(ExitCode::SUCCESS)
}

fn current_directory() -> Result<PathBuf, Error> {
    std::env::current_dir().map_err(|error| Error::File { path: ".".into(), error })
}

fn inside(checkout: &Path) -> bool {
    current_directory().is_ok_and(|here| here.starts_with(checkout))
}

/// A flake sees of a Git checkout only the files that Git knows of. Without Git, it sees them all.
fn make_known_to_git(checkout: &Path, directory: &Path) {
    let added =
        Command::new("git").arg("-C").arg(checkout).args(["add", "--intent-to-add"]).arg(directory).status();
    if checkout.join(".git").exists() && !added.is_ok_and(|status| status.success()) {
        eprintln!("unicore: git does not know the new files yet: git add {}", directory.display());
    }
}

fn copy_template(flake: &Flake, name: &str, directory: &Path, left_out: Option<&str>) -> Result<(), Error> {
    if directory.exists() {
        return Err(Error::Exists { path: directory.to_owned() });
    }
    let pinned = flake::reference(&flake.checkout);
    let fill = |text: &str| text.replace(NAME, name).replace(PINNED, &pinned);
    copy(&flake.checkout.join("templates/app"), directory, left_out, &fill)
}

fn copy(from: &Path, to: &Path, left_out: Option<&str>, fill: &dyn Fn(&str) -> String) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| Error::File { path, error }
    };
    fs::create_dir_all(to).map_err(failed(to))?;
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = to.join(fill(&name));
        if left_out == Some(&name) {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target, None, fill)?;
        } else {
            let text = fs::read_to_string(entry.path()).map_err(failed(&entry.path()))?;
            fs::write(&target, fill(&text)).map_err(failed(&target))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_in_all_its_files() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir_all(from.join("src")).unwrap();
        fs::write(from.join("Cargo.toml"), "name = \"greeter\"").unwrap();
        fs::write(from.join("src/lib.rs"), format!("// {PINNED}")).unwrap();
        fs::write(from.join("flake.nix"), "{ }").unwrap();
        let fill = |text: &str| text.replace(NAME, "server").replace(PINNED, "path:/u");
        copy(&from, &to, Some("flake.nix"), &fill).unwrap();
        assert_eq!(fs::read_to_string(to.join("Cargo.toml")).unwrap(), "name = \"server\"");
        assert_eq!(fs::read_to_string(to.join("src/lib.rs")).unwrap(), "// path:/u");
        assert!(!to.join("flake.nix").exists());
    }

    #[test]
    fn a_missing_template_is_an_error_with_its_place() {
        let root = tempfile::tempdir().unwrap();
        let error =
            copy(&root.path().join("none"), &root.path().join("to"), None, &str::to_owned).unwrap_err();
        assert!(error.to_string().contains("none"), "{error}");
    }
}
