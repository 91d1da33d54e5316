//! As whom the process runs: numbers that it may change as Linux lets it. What the number says decides nothing else here:
//! there is nobody to be kept out.

use alloc::vec::Vec;

use open_file::Errno;

use crate::linux::{Linux, World};
use crate::user::User;

/// Most further groups (`NGROUPS_MAX`).
const MOST_GROUPS: usize = 65_536;
/// What a program passes for a number that stays as it is, and what is no number (-1).
const UNCHANGED: u32 = u32::MAX;

/// The numbers of a user or group (credentials(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    pub real: u32,
    pub effective: u32,
    pub saved: u32,
    /// For files, which follows the effective one.
    pub files: u32,
}

impl Ids {
    pub const fn has(&self, id: u32) -> bool {
        id == self.real || id == self.effective || id == self.saved
    }

    /// Sets all for who may, else the effective one (setuid(2)).
    fn set(&mut self, id: u32, may: bool) -> Result<(), Errno> {
        if id == UNCHANGED {
            return Err(Errno::EINVAL);
        }
        if may {
            *self = Self { real: id, effective: id, saved: id, files: id };
        } else if id == self.real || id == self.saved {
            (self.effective, self.files) = (id, id);
        } else {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    /// setresuid(2).
    fn set_three(&mut self, [real, effective, saved]: [u32; 3], may: bool) -> Result<(), Errno> {
        let is_good = |id| id == UNCHANGED || may || self.has(id);
        if ![real, effective, saved].into_iter().all(is_good) {
            return Err(Errno::EPERM);
        }
        let or = |id, before| if id == UNCHANGED { before } else { id };
        self.real = or(real, self.real);
        self.effective = or(effective, self.effective);
        self.saved = or(saved, self.saved);
        self.files = self.effective;
        Ok(())
    }

    /// setreuid(2): the saved one follows where the real one is set, or the effective one to another than the real one.
    fn set_two(&mut self, real: u32, effective: u32, may: bool) -> Result<(), Errno> {
        let real_is_good = real == UNCHANGED || may || real == self.real || real == self.effective;
        if !real_is_good || effective != UNCHANGED && !may && !self.has(effective) {
            return Err(Errno::EPERM);
        }
        let before = self.real;
        self.set_three([real, effective, UNCHANGED], true)?;
        if real != UNCHANGED || effective != UNCHANGED && effective != before {
            self.saved = self.effective;
        }
        Ok(())
    }

    /// Says the number before, and changes it where that is allowed (setfsuid(2)).
    fn set_files(&mut self, id: u32, may: bool) -> usize {
        let before = self.files;
        if id != UNCHANGED && (may || self.has(id) || id == self.files) {
            self.files = id;
        }
        before as usize
    }
}

/// Users and groups of the process: root's at first.
#[derive(Debug, Default)]
pub(crate) struct Users {
    pub user: Ids,
    pub group: Ids,
    further: Vec<u32>,
}

impl Users {
    /// Whether it may become anybody (`CAP_SETUID`).
    const fn is_root(&self) -> bool {
        self.user.effective == 0
    }
}

impl<W: World> Linux<W> {
    pub fn user(&self) -> usize {
        self.users.borrow().user.real as usize
    }

    pub fn effective_user(&self) -> usize {
        self.users.borrow().user.effective as usize
    }

    pub fn group(&self) -> usize {
        self.users.borrow().group.real as usize
    }

    pub fn effective_group(&self) -> usize {
        self.users.borrow().group.effective as usize
    }

    pub fn users(&self, real: User<u32>, effective: User<u32>, saved: User<u32>) -> Result<(), Errno> {
        let ids = self.users.borrow().user;
        self.store_ids(ids, real, effective, saved)
    }

    pub fn group_ids(&self, real: User<u32>, effective: User<u32>, saved: User<u32>) -> Result<(), Errno> {
        let ids = self.users.borrow().group;
        self.store_ids(ids, real, effective, saved)
    }

    fn store_ids(
        &self,
        ids: Ids,
        real: User<u32>,
        effective: User<u32>,
        saved: User<u32>,
    ) -> Result<(), Errno> {
        self.store(real, ids.real)?;
        self.store(effective, ids.effective)?;
        self.store(saved, ids.saved)
    }

    pub fn set_user(&self, id: u32) -> Result<(), Errno> {
        self.change_users(|users, may| users.user.set(id, may))
    }

    pub fn set_group(&self, id: u32) -> Result<(), Errno> {
        self.change_users(|users, may| users.group.set(id, may))
    }

    pub fn set_two_users(&self, real: u32, effective: u32) -> Result<(), Errno> {
        self.change_users(|users, may| users.user.set_two(real, effective, may))
    }

    pub fn set_two_groups(&self, real: u32, effective: u32) -> Result<(), Errno> {
        self.change_users(|users, may| users.group.set_two(real, effective, may))
    }

    pub fn set_three_users(&self, real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
        self.change_users(|users, may| users.user.set_three([real, effective, saved], may))
    }

    pub fn set_three_groups(&self, real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
        self.change_users(|users, may| users.group.set_three([real, effective, saved], may))
    }

    pub fn set_user_for_files(&self, id: u32) -> usize {
        self.change_users(|users, may| users.user.set_files(id, may))
    }

    pub fn set_group_for_files(&self, id: u32) -> usize {
        self.change_users(|users, may| users.group.set_files(id, may))
    }

    fn change_users<T>(&self, change: impl FnOnce(&mut Users, bool) -> T) -> T {
        let mut users = self.users.borrow_mut();
        let may = users.is_root();
        change(&mut users, may)
    }

    pub fn groups(&self, most: i32, to: User<u32>) -> Result<usize, Errno> {
        let most = usize::try_from(most).map_err(|_| Errno::EINVAL)?;
        let groups = self.users.borrow().further.clone();
        if most == 0 {
            return Ok(groups.len());
        }
        if groups.len() > most {
            return Err(Errno::EINVAL);
        }
        for (index, group) in groups.iter().enumerate() {
            self.store(to.at(index), *group)?;
        }
        Ok(groups.len())
    }

    pub fn set_groups(&self, count: usize, from: User<u32>) -> Result<(), Errno> {
        if !self.users.borrow().is_root() {
            return Err(Errno::EPERM);
        }
        if count > MOST_GROUPS {
            return Err(Errno::EINVAL);
        }
        let groups = self.load_all(from, count)?;
        self.users.borrow_mut().further = groups;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Ids = Ids { real: 0, effective: 0, saved: 0, files: 0 };

    #[test]
    fn root_becomes_another_for_good() {
        let mut ids = ROOT;
        assert_eq!(ids.set(33, true), Ok(()));
        assert_eq!(ids, Ids { real: 33, effective: 33, saved: 33, files: 33 });
        assert_eq!(ids.set(0, false), Err(Errno::EPERM));
        assert_eq!(ids.set(UNCHANGED, true), Err(Errno::EINVAL));
    }

    #[test]
    fn who_keeps_a_number_may_come_back_to_it() {
        let mut ids = ROOT;
        assert_eq!(ids.set_three([UNCHANGED, 33, UNCHANGED], true), Ok(()));
        assert_eq!(ids, Ids { real: 0, effective: 33, saved: 0, files: 33 });
        assert_eq!(ids.set_three([7, UNCHANGED, UNCHANGED], false), Err(Errno::EPERM));
        assert_eq!(ids.set(0, false), Ok(()));
        assert_eq!(ids.effective, 0);
        assert_eq!(ids.set_two(33, 33, true), Ok(()));
        assert_eq!(ids.saved, 33);
        assert_eq!((ids.set_files(5, false), ids.set_files(5, true), ids.files), (33, 33, 5));
    }
}
