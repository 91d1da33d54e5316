//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Compose, build, run and test unikernels
#[derive(Parser)]
#[command(
    name = "unicore",
    bin_name = "./unicore",
    version,
    after_help = "Examples:
  ./unicore list                         what can be built
  ./unicore run httpd-kvm-x86_64         build it and start it; Ctrl-C ends it
  ./unicore test                         every test
  ./unicore bench httpd-kvm-x86_64       its figures beside those of Linux
  ./unicore explain httpd-kvm-x86_64     which rooms are in it, and why"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the images that can be built, and whether they are
    List,
    /// Build images; the last line of output is where the last one is
    #[command(
        after_help = "Examples:\n  ./unicore build hello-kvm-x86_64\n  ./unicore build hello-kvm-x86_64 httpd-linux-x86_64"
    )]
    Build {
        /// Names as `list` shows them
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
    },
    /// Build an image and start it
    #[command(after_help = "Examples:
  ./unicore run httpd-kvm-x86_64
  ./unicore run httpd-linux-x86_64 --forward 9000:80
  ./unicore run hello-kvm-x86_64 --append log=debug -- an-argument")]
    Run(Run),
    /// Run the tests: the flake's checks, then those that the Nix sandbox has no place for
    #[command(after_help = "Examples:\n  ./unicore test\n  ./unicore test hello-kvm")]
    Test {
        /// Only the tests whose names contain this
        filter: Option<String>,
    },
    /// Measure images beside the same program on Linux
    #[command(after_help = "Takes root, and from two to five minutes for each image.

Examples:
  ./unicore bench                                  every image that it can measure
  ./unicore bench redis-kvm-x86_64 --json it.json  one, with the rounds of every figure
  ./unicore bench nginx-kvm-x86_64 --counts        instructions alone, as on a machine that does much else
  ./unicore bench --record                         keep the results in the book")]
    Bench(Bench),
    /// Show which rooms are in an image and why, who provides what to whom, and which settings were changed
    #[command(after_help = "Examples:
  ./unicore explain httpd-linux-x86_64
  ./unicore explain httpd              all its images, side by side first")]
    Explain {
        /// Name of an image or an application, as `list` shows it
        image: String,
    },
    /// Show how many bytes of an image each room takes
    #[command(after_help = "Example:\n  ./unicore size hello-kvm-x86_64")]
    Size {
        /// Name as `list` shows it
        image: String,
    },
    /// Make a directory for a new application: unikernel.nix and a crate
    #[command(after_help = "Examples:
  ./unicore new greeter                   examples/greeter in the checkout
  cd elsewhere && …/unicore new greeter   a flake of its own that pins the checkout")]
    New {
        /// Lower-case letters, digits and dashes, beginning with a letter
        name: String,
    },
    /// Put names and lines to the addresses of a panic's backtrace
    #[command(after_help = "Example:\n  ./unicore symbolize httpd-kvm-x86_64 < console.log")]
    Symbolize {
        /// The image that wrote the console's text, which is read from standard input
        image: String,
    },
}

/// What `run` takes; the options are handed to the image's own `run`.
#[derive(Args)]
pub(crate) struct Run {
    /// Name as `list` shows it
    pub(crate) image: String,
    /// Memory of the machine in MiB
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) memory: Option<u32>,
    /// Further settings, such as "ip=10.0.2.15/24 gw=10.0.2.2"
    #[arg(long, value_name = "SETTINGS")]
    pub(crate) append: Vec<String>,
    /// Reach the image's port GUEST at 127.0.0.1:HOST
    #[arg(long, value_name = "HOST:GUEST")]
    pub(crate) forward: Vec<String>,
    /// A disk of the machine: a file with its bytes
    #[arg(long, value_name = "FILE")]
    pub(crate) disk: Vec<PathBuf>,
    /// Print the command that would start it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Arguments of the application
    #[arg(last = true, value_name = "ARGUMENT")]
    pub(crate) arguments: Vec<String>,
}

/// What `bench` takes; but for `record` it is handed to the program that measures.
#[derive(Args)]
pub(crate) struct Bench {
    /// Names as `list` shows them; every image that has something to be compared with where left out
    #[arg(value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    /// Rounds of every figure
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: Option<u16>,
    /// Seconds of a round of load
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: Option<u32>,
    /// Measure sizes and instructions alone, which hardly depend on what else the machine does
    #[arg(long)]
    pub(crate) counts: bool,
    /// Write everything measured, with every round
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub(crate) json: Option<PathBuf>,
    /// Write the results into the checkout's book, in the place of those of the same images
    #[arg(long, conflicts_with = "counts")]
    pub(crate) record: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn arguments_of_the_application_stand_behind_two_dashes() {
        let parsed =
            Arguments::try_parse_from(["unicore", "run", "hello", "--memory", "8", "--", "--memory"]);
        let Command::Run(run) = parsed.unwrap().command else { panic!("not run") };
        assert_eq!((run.memory, run.arguments), (Some(8), vec!["--memory".to_owned()]));
    }

    #[test]
    fn no_memory_at_all_is_refused() {
        assert!(Arguments::try_parse_from(["unicore", "run", "hello", "--memory", "0"]).is_err());
    }
}
