use alloc::vec::Vec;

use iface_grant_table::{Access, DomainId, GrantError, PAGE_SIZE};
use xen_fake::FakeGrantTable;

use super::*;

const DOM0: DomainId = DomainId(0);

fn shared(grants: &'static FakeGrantTable) -> SharedPage {
    SharedPage::allocate(grants, DOM0).expect("there is memory")
}

#[test]
fn a_shared_page_is_the_other_domains_until_it_is_taken_back() {
    let grants = FakeGrantTable::new();
    let mut page = shared(grants);
    page.write(b"question");
    let mut seen = [0; 8];
    grants.read(DOM0, page.reference(), 0, &mut seen);
    assert_eq!(seen, *b"question");
    grants.write(DOM0, page.reference(), 8, b"response");
    let mut both = [0; 16];
    page.read(&mut both);
    assert_eq!(both, *b"questionresponse");

    let page = GrantedPage::from(page).take_back(grants).expect("nobody holds it");
    assert_eq!(grants.count(), 0);
    assert_eq!(page.as_ref()[..16], both);
    assert!(page.as_ref()[16..].iter().all(|byte| *byte == 0), "what was not written is zero");
}

#[test]
fn a_page_that_is_held_comes_back_later() {
    let grants = FakeGrantTable::new();
    let page = shared(grants);
    let mapping = grants.map(DOM0, page.reference());
    let held = GrantedPage::from(page).take_back(grants).expect_err("it is mapped");
    mapping.write(0, b"late");
    drop(mapping);
    let page = held.take_back(grants).expect("nobody holds it any more");
    assert_eq!(page.as_ref()[..4], *b"late");
}

#[test]
fn a_page_that_is_dropped_stays_the_other_domains() {
    let grants = FakeGrantTable::new();
    let references: Vec<_> = (0..64).map(|_| shared(grants).reference()).collect();
    for reference in &references {
        grants.write(DOM0, *reference, 0, &[0xff; PAGE_SIZE]);
    }
    let mut others: Vec<_> = (0..64).map(|_| Page::new().expect("there is memory")).collect();
    let starts: Vec<_> = others.iter_mut().map(|page| page.as_mut().as_ptr()).collect();
    let granted = |start: &*const u8| {
        references.iter().any(|reference| {
            grants.get(*reference).expect("it is granted still").page.as_ptr().cast_const() == *start
        })
    };
    assert!(!starts.iter().any(granted), "no page is allocated twice");
}

#[test]
fn a_readable_page_is_granted_to_be_read_alone() {
    let grants = FakeGrantTable::new();
    let page = Page::new().expect("there is memory");
    let mut page = ReadablePage::new(grants, DOM0, page).expect("there are references");
    let grant = grants.get(page.reference()).expect("it is granted");
    assert_eq!(grant.access, Access::Read);
    page.as_mut()[PAGE_SIZE - 4..].copy_from_slice(b"last");
    let mut seen = [0; 4];
    grants.read(DOM0, page.reference(), PAGE_SIZE - 4, &mut seen);
    assert_eq!(seen, *b"last");
    assert!(GrantedPage::from(page).take_back(grants).is_ok());
}

#[test]
fn a_page_that_is_not_granted_is_not_lost() {
    let grants = FakeGrantTable::new();
    grants.set_limit(0);
    let mut page = Page::new().expect("there is memory");
    page.as_mut()[0] = 7;
    let (page, error) = SharedPage::new(grants, DOM0, page).expect_err("the table is full");
    assert_eq!((page.as_ref()[0], error), (7, GrantError::Full));
    assert!(matches!(ReadablePage::new(grants, DOM0, page), Err((_, GrantError::Full))));
    let error = SharedPage::allocate(grants, DOM0).expect_err("the table is full");
    assert_eq!(error, PageError::NotGranted(GrantError::Full));
}

#[test]
fn a_ring_overwrites_its_page_and_gives_it_back() {
    let grants = FakeGrantTable::new();
    let mut page = shared(grants);
    page.write(&[0xff; PAGE_SIZE]);
    let mut ring = SharedRing::<u64, u64>::new(page);
    // `req_prod`, `req_event`, `rsp_prod`, `rsp_event`, and the padding up to the entries.
    let mut header = [0; 64];
    grants.read(DOM0, ring.reference(), 0, &mut header);
    let words: Vec<_> =
        header.chunks(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]])).collect();
    assert_eq!(words[..4], [0, 1, 0, 1]);
    assert!(words[4..].iter().all(|word| *word == 0));
    assert_eq!(ring.push(0x1234), Ok(()));
    assert!(ring.publish(), "the first request is signalled for");
    let mut entry = [0; 8];
    grants.read(DOM0, ring.reference(), 64, &mut entry);
    assert_eq!(u64::from_ne_bytes(entry), 0x1234);
    assert!(GrantedPage::from(ring).take_back(grants).is_ok());
    assert_eq!(grants.count(), 0);
}
