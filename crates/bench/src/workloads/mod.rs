//! What applications are measured in, and what is beside them: one file each.

mod files;
mod redis;
mod speedtest1;

use std::net::SocketAddr;

use crate::error::Error;
use crate::image::{Image, Platform};
use crate::measure::{Plan, Step};
use crate::packages::Packages;
use crate::subject::Parts;

/// Every one there is.
pub const ALL: [&dyn Workload; 3] = [&files::Files, &redis::Redis, &speedtest1::Speedtest1];

/// What applications of one kind are measured in.
pub trait Workload: Sync {
    /// The applications that it measures.
    fn applications(&self) -> &'static [&'static str];

    /// What is beside them on Linux, as the results call it.
    fn beside(&self) -> &'static str;

    /// Where that comes from.
    fn origin(&self) -> Origin;

    /// Programs of this machine that it calls, and the packages of Debian's that have them.
    fn programs(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// How an image serves; `None` for a program that ends by itself.
    fn service(&self) -> Option<Service>;

    /// What starts the program in the root of Linux: its path there, and the first words behind it.
    fn command(&self) -> &'static [&'static str];

    /// Makes the roots that both are started with.
    ///
    /// # Errors
    /// That something of Linux is missing, or that the image does not answer what it is asked for them.
    fn prepare(&self, parts: &mut Parts, image: &Image, packages: &Packages) -> Result<(), Error>;

    /// What is measured on a platform, in this order.
    fn steps(&self, platform: Platform, plan: Plan) -> Vec<Step>;
}

/// Where the program beside an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From packages of the distribution: what apt is asked for, and how the names begin of what is taken of all that these
    /// would install on a machine that has nothing.
    Packages { asked: &'static [&'static str], taken: &'static [&'static str] },
    /// From the source of the image, built by the same recipe as a program of this machine.
    Source,
}

/// A server in an image.
#[derive(Clone, Copy)]
pub struct Service {
    pub port: u16,
    /// Whether it answers there as it should, and soon.
    pub answers: fn(SocketAddr) -> bool,
}

/// The one that measures an application.
pub fn of(application: &str) -> Option<&'static dyn Workload> {
    ALL.into_iter().find(|workload| workload.applications().contains(&application))
}

/// All applications that are measured.
pub fn applications() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().flat_map(|workload| workload.applications().iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_measured_in_one_way() {
        let mut all: Vec<_> = applications().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|application| of(application).is_some()));
        assert!(of("hello").is_none());
    }

    #[test]
    fn every_step_has_its_place_in_the_estimate() {
        for workload in ALL {
            let total = |platform, counts| {
                let plan = Plan { rounds: 5, seconds: 5, counts };
                workload.steps(platform, plan).iter().map(|step| step.seconds).sum::<f64>()
            };
            assert!(total(Platform::Linux, false) < total(Platform::Kvm, false));
            assert!(total(Platform::Kvm, true) < total(Platform::Kvm, false));
        }
    }
}
