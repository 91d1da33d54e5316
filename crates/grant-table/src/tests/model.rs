//! Sequences of what can happen to a table, beside a model of what is granted and mapped.

use std::collections::BTreeMap;

use iface_grant_table::{Access, GrantError, GrantTable, Reference};
use proptest::{collection::vec, prelude::*};

use super::{BACKEND, grant, table, xen::Xen};
use crate::{Table, table::RESERVED};

/// Entries of one frame that are not reserved.
const GRANTS: usize = 512 - RESERVED as usize;

/// What happens. A number chooses among the grants there are.
#[derive(Clone, Copy, Debug)]
enum Step {
    Grant(Access),
    Revoke(usize),
    Map(usize, Access),
    Unmap(usize, Access),
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![Just(Access::Read), Just(Access::ReadWrite)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => access().prop_map(Step::Grant),
        3 => any::<usize>().prop_map(Step::Revoke),
        1 => (any::<usize>(), access()).prop_map(|(which, access)| Step::Map(which, access)),
        1 => (any::<usize>(), access()).prop_map(|(which, access)| Step::Unmap(which, access)),
    ]
}

/// A grant: how, and how it is mapped.
struct Granted {
    access: Access,
    reading: bool,
    writing: bool,
}

impl Granted {
    fn mapped(&mut self, access: Access) -> &mut bool {
        match access {
            Access::Read => &mut self.reading,
            Access::ReadWrite => &mut self.writing,
        }
    }
}

struct World {
    xen: Xen,
    table: &'static Table<Xen>,
    granted: BTreeMap<u32, Granted>,
}

impl World {
    fn new() -> Self {
        let xen = Xen::new(1);
        Self { xen, table: table(xen, 1), granted: BTreeMap::new() }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Grant(access) => self.grant(access),
            Step::Revoke(which) => self.revoke(which),
            Step::Map(which, access) => self.map(which, access),
            Step::Unmap(which, access) => self.unmap(which, access),
        }
    }

    fn grant(&mut self, access: Access) {
        match grant(self.table, 1, access) {
            Ok(Reference(given)) => {
                assert!((RESERVED..512).contains(&given), "{given} is none of the pool");
                let before = self.granted.insert(given, Granted { access, reading: false, writing: false });
                assert!(before.is_none(), "{given} is given twice");
            }
            Err(error) => assert_eq!((error, self.granted.len()), (GrantError::Full, GRANTS)),
        }
    }

    fn revoke(&mut self, which: usize) {
        let Some((reference, granted)) = self.choose(which) else { return };
        let in_use = granted.reading || granted.writing;
        let expected = if in_use { Err(GrantError::InUse) } else { Ok(()) };
        assert_eq!(self.table.revoke(reference), expected);
        if !in_use {
            self.granted.remove(&reference.0);
        }
    }

    fn map(&mut self, which: usize, access: Access) {
        let xen = self.xen;
        let Some((reference, granted)) = self.choose(which) else { return };
        let may = access == Access::Read || granted.access == Access::ReadWrite;
        assert_eq!(xen.map(BACKEND, reference, access == Access::ReadWrite), may);
        *granted.mapped(access) |= may;
    }

    fn unmap(&mut self, which: usize, access: Access) {
        let xen = self.xen;
        let Some((reference, granted)) = self.choose(which) else { return };
        xen.unmap(reference, access == Access::ReadWrite);
        *granted.mapped(access) = false;
    }

    fn choose(&mut self, which: usize) -> Option<(Reference, &mut Granted)> {
        let which = which.checked_rem(self.granted.len())?;
        self.granted.iter_mut().nth(which).map(|(reference, granted)| (Reference(*reference), granted))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_reference_is_given_twice_and_none_is_lost(steps in vec(step(), 1..1500)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.step(step));
        let left = core::iter::from_fn(|| grant(world.table, 1, Access::Read).ok()).count();
        prop_assert_eq!(left + world.granted.len(), GRANTS);
    }
}
