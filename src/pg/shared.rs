//! Shared memory: areas of words that every backend sees, where the library is preloaded by the postmaster.
//!
//! An area begins as zeros, also after a crash, when the postmaster makes all of shared memory anew. It holds words and
//! nothing else, so that no pointer, no key and no text of a secret has a place in it.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use pgrx::{pg_guard, pg_sys};

use super::{process, raw};

/// Some words under a name, and a lock of their own.
pub struct Area {
    name: &'static CStr,
    words: usize,
    start: AtomicPtr<AtomicU64>,
    lock: AtomicPtr<pg_sys::LWLock>,
}

thread_local! {
    static REQUESTED: RefCell<Vec<&'static Area>> = const { RefCell::new(Vec::new()) };
    static BEFORE: Cell<(pg_sys::shmem_request_hook_type, pg_sys::shmem_startup_hook_type)> =
        const { Cell::new((None, None)) };
}

/// Called once, by _PG_init. Where the postmaster does not preload the library the areas stay without words.
pub fn request(areas: &[&'static Area]) {
    if !process::is_preloading() {
        return;
    }
    REQUESTED.with_borrow_mut(|requested| requested.extend_from_slice(areas));
    // SAFETY: plain globals of this process, which still has one thread; the hooks that stood are called by ours.
    unsafe {
        BEFORE.set((pg_sys::shmem_request_hook, pg_sys::shmem_startup_hook));
        pg_sys::shmem_request_hook = Some(ask);
        pg_sys::shmem_startup_hook = Some(attach);
    }
}

impl Area {
    pub const fn new(name: &'static CStr, words: usize) -> Self {
        Self {
            name,
            words,
            start: AtomicPtr::new(null_mut()),
            lock: AtomicPtr::new(null_mut()),
        }
    }

    /// Words of this process alone, in the place of an area that has none. They stay until the process ends.
    pub fn alone(&self) -> &'static [AtomicU64] {
        let zeros = (0..self.words).map(|_| AtomicU64::new(0));
        zeros.collect::<Vec<_>>().leak()
    }

    /// `None`: the library is not preloaded.
    pub fn words(&self) -> Option<&'static [AtomicU64]> {
        let start = self.start.load(Ordering::Relaxed);
        // SAFETY: `attach` stored the start of an allocation of so many words, aligned as any of shared memory (to a
        // cache line), zeroed, and there as long as this process.
        (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start, self.words) })
    }

    /// Lends the words to one backend at a time. `None`: as above.
    ///
    /// - body: short; raises nothing, waits for nothing.
    pub fn locked<T>(&self, body: impl FnOnce(&'static [AtomicU64]) -> T) -> Option<T> {
        struct Held(*mut pg_sys::LWLock);
        impl Drop for Held {
            fn drop(&mut self) {
                // SAFETY: this backend holds the lock, taken below; releasing one that is held raises nothing.
                unsafe { raw::LWLockRelease(self.0) }
            }
        }
        let words = self.words()?;
        let lock = self.lock.load(Ordering::Relaxed);
        // SAFETY: a lock that the postmaster initialised, of which `attach` stored the address. The closure owns nothing.
        unsafe {
            raw::guarded(|| raw::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE));
        }
        let _held = Held(lock);
        Some(body(words))
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn ask() {
    // SAFETY: called by the postmaster at the one moment at which space may be asked for (ipci.c).
    unsafe {
        if let Some(before) = BEFORE.get().0 {
            before();
        }
        REQUESTED.with_borrow(|areas| {
            for area in areas {
                pg_sys::RequestAddinShmemSpace(bytes(area));
                pg_sys::RequestNamedLWLockTranche(area.name.as_ptr(), 1);
            }
        });
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn attach() {
    // SAFETY: called once shared memory stands, by the postmaster alone, since backends are forked from it: nobody else
    // looks yet. ShmemInitStruct answers with so many bytes or raises.
    unsafe {
        if let Some(before) = BEFORE.get().1 {
            before();
        }
        REQUESTED.with_borrow(|areas| {
            for area in areas {
                let mut found = false;
                let start = pg_sys::ShmemInitStruct(area.name.as_ptr(), bytes(area), &mut found);
                start.cast::<u8>().write_bytes(0, bytes(area));
                area.start.store(start.cast(), Ordering::Relaxed);
                let tranche = pg_sys::GetNamedLWLockTranche(area.name.as_ptr());
                area.lock.store(&raw mut (*tranche).lock, Ordering::Relaxed);
            }
        });
    }
}

fn bytes(area: &Area) -> usize {
    area.words * std::mem::size_of::<AtomicU64>()
}
