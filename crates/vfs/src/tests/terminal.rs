//! The console as a terminal.

use iface_scheduler::{Scheduler, ThreadId, Wakeup};
use linux_raw_sys::ioctl::{FIONREAD, TCGETS, TCSETS, TCSETSF, TIOCGWINSZ};
use open_file::{Kind, Readiness, Seek, Watcher};

use super::*;

#[test]
fn the_console_is_a_terminal() {
    let fixture = fixture(root());
    let console = fixture.open("/dev/console", OpenOptions { write: true, ..READ }).unwrap();
    assert_eq!(console.write(b"hello\n"), Ok(6));
    assert_eq!(*fixture.written.borrow(), b"hello\n");
    let mut buffer = [0; 8];
    assert_eq!(console.read(&mut buffer), Err(Errno::EAGAIN));
    assert_eq!(console.readiness(), Readiness::OUT);
    fixture.typed.borrow_mut().extend(b"yes\r");
    assert!(console.readiness().has_any(Readiness::IN));
    assert_eq!(console.read(&mut buffer), Ok(4));
    assert_eq!(&buffer[..4], b"yes\n");
    assert_eq!(console.seek(Seek::Start(0)), Err(Errno::ESPIPE));
    let mut size = [0xaa; 8];
    assert_eq!(console.control(TIOCGWINSZ, &mut size), Ok(0));
    assert_eq!(size, [0; 8]);
    assert_eq!(console.control(TCGETS, &mut size), Err(Errno::EFAULT));
    assert_eq!(console.control(0x5599, &mut size), Err(Errno::ENOTTY));
    let status = console.status().unwrap();
    assert_eq!((status.kind, status.special), (Kind::Character, (5, 1)));
}

#[test]
fn settings_of_the_terminal_are_kept() {
    let fixture = fixture(root());
    let console = fixture.open("/dev/tty", READ).unwrap();
    let mut settings = [0; 36];
    assert_eq!(console.control(TCGETS, &mut settings), Ok(0));
    // Input's flags without ICRNL (0o400): what is typed stays as it is.
    settings[1] &= !1;
    assert_eq!(console.control(TCSETS, &mut settings), Ok(0));
    fixture.typed.borrow_mut().extend(b"a\rb");
    let mut count = [0; 4];
    assert_eq!(console.control(FIONREAD, &mut count), Ok(0));
    assert_eq!(u32::from_ne_bytes(count), 3);
    let mut buffer = [0; 2];
    assert_eq!((console.read(&mut buffer), &buffer), (Ok(2), b"a\r"));
    assert_eq!(console.control(TCSETSF, &mut settings), Ok(0));
    assert_eq!(console.read(&mut buffer), Err(Errno::EAGAIN));
}

/// Wakes a thread, and watches no longer then.
struct Reader {
    scheduler: FakeThreads,
    thread: ThreadId,
    itself: RefCell<Option<Rc<dyn Watcher>>>,
}

impl Watcher for Reader {
    fn notified(&self, what: Readiness) {
        assert_eq!(what, Readiness::IN);
        self.scheduler.unpark(self.thread);
        self.itself.take();
    }
}

#[test]
fn who_waits_is_told_of_what_is_typed() {
    let fixture = fixture(root());
    let scheduler = fixture.scheduler;
    let console = fixture.open("/dev/console", READ).unwrap();
    for text in [b"one", b"two"] {
        let reader = Rc::new(Reader { scheduler, thread: scheduler.current(), itself: RefCell::default() });
        let watcher: Rc<dyn Watcher> = reader.clone();
        console.watchers().expect("a terminal that tells").add(&watcher);
        reader.itself.replace(Some(watcher));
        drop(reader);
        let mut buffer = [0; 3];
        assert_eq!(console.read(&mut buffer), Err(Errno::EAGAIN));
        fixture.typed.borrow_mut().extend(text);
        assert_eq!(scheduler.park(None), Wakeup::Unparked);
        assert_eq!((console.read(&mut buffer), &buffer), (Ok(3), text));
    }
}
