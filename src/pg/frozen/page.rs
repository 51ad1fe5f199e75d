//! Pages: which one has room, and how tuples and their record get onto it.

use pgrx::pg_sys;

use super::super::raw;

/// A pinned, exclusively locked page of the heap.
#[derive(Clone, Copy)]
pub struct Page {
    buffer: pg_sys::Buffer,
    /// Initialised just now: its first record carries all of it.
    fresh: bool,
}

/// Bytes on a page of another table that change in the same record: how many rows were put decides which.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// Pinned and exclusively locked.
    pub buffer: pg_sys::Buffer,
    /// On that buffer's page, with room for the longest of the series and eight bytes: the number of the page that the
    /// rows came to stands before it.
    pub at: *mut u8,
    /// The bytes after the first row, after the second and so on, each of this length.
    pub series: &'a [u8],
    pub length: usize,
}

/// How many of the tuples, the first ones, the page takes; one at least, since it was chosen for that.
///
/// # Safety
/// As [`put`].
pub unsafe fn room_for(page: Page, tuples: &[pg_sys::HeapTuple]) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let (page, mut count) = (page.bytes(), 0);
        // Where line pointers are used again, those of two tuples need not be neighbours, which the record relies on.
        if u32::from((*page.cast::<pg_sys::PageHeaderData>()).pd_flags) & pg_sys::PD_HAS_FREE_LINES
            != 0
        {
            return 1;
        }
        let mut free = raw::PageGetHeapFreeSpace(page) + LINE_POINTER_BYTES;
        for tuple in tuples {
            let needed = pg_sys::MAXALIGN((**tuple).t_len as usize) + LINE_POINTER_BYTES;
            if free < needed {
                break;
            }
            free -= needed;
            count += 1;
        }
        count
    }
}

/// Puts the first tuples on the page, as many as it takes and with one record, then gives the page back. `None`: it did
/// not take the first.
///
/// # Safety
/// Inside `raw::guarded`; the page is of a relation open with RowExclusiveLock; each tuple is complete and fits an
/// empty page; what is `beside` is as described there.
pub unsafe fn put(
    page: Page,
    tuples: &[pg_sys::HeapTuple],
    beside: Option<Beside<'_>>,
) -> Option<(pg_sys::XLogRecPtr, usize)> {
    // SAFETY: buffers are pinned and exclusively locked while touched. Change and record stand in one critical section
    // (access/transam/README, "Write-Ahead Log Coding"): dirty the buffer, register, insert, stamp the page.
    unsafe {
        let Page { buffer, fresh } = page;
        let block = raw::BufferGetBlockNumber(buffer);
        let page = page.bytes();
        let header = page.cast::<pg_sys::PageHeaderData>();

        pg_sys::CritSectionCount += 1;
        let (flags_before, upper_before) = ((*header).pd_flags, (*header).pd_upper);
        let reuses = u32::from(flags_before) & pg_sys::PD_HAS_FREE_LINES != 0;
        let (mut first, mut count) = (pg_sys::InvalidOffsetNumber, 0);
        for tuple in tuples {
            let length = pg_sys::MAXALIGN((**tuple).t_len as usize);
            if count > 0 && (reuses || raw::PageGetHeapFreeSpace(page) < length) {
                break;
            }
            let offset = raw::PageAddItemExtended(
                page,
                (**tuple).t_data.cast(),
                (**tuple).t_len as usize,
                pg_sys::InvalidOffsetNumber,
                pg_sys::PAI_IS_HEAP as i32,
            );
            if offset == pg_sys::InvalidOffsetNumber {
                // The page is as it was: it has no room, and was just seen to have it.
                break;
            }
            if count == 0 {
                first = offset;
            }
            count += 1;
            let item = page.add(LINE_POINTERS + (usize::from(offset) - 1) * LINE_POINTER_BYTES);
            let start = (*item.cast::<pg_sys::ItemIdData>()).lp_off() as usize;
            let placed = page.add(start).cast::<pg_sys::HeapTupleHeaderData>();
            (*placed).t_ctid.ip_blkid.bi_hi = (block >> 16) as u16;
            (*placed).t_ctid.ip_blkid.bi_lo = block as u16;
            (*placed).t_ctid.ip_posid = offset;
            // The padding is part of the record, so that a replayed page equals this one.
            page.add(start + (**tuple).t_len as usize)
                .write_bytes(0, length - (**tuple).t_len as usize);
        }
        if count == 0 {
            pg_sys::CritSectionCount -= 1;
            raw::UnlockReleaseBuffer(buffer);
            return None;
        }
        raw::MarkBufferDirty(buffer);
        if let Some(beside) = &beside {
            beside.at.cast::<u64>().write_unaligned(u64::from(block));
            let after = beside.series.as_ptr().add((count - 1) * beside.length);
            beside
                .at
                .add(size_of::<u64>())
                .copy_from_nonoverlapping(after, beside.length);
            raw::MarkBufferDirty(beside.buffer);
        }

        raw::XLogBeginInsert();
        let image = if fresh { pg_sys::REGBUF_FORCE_IMAGE } else { 0 };
        raw::XLogRegisterBuffer(0, buffer, (pg_sys::REGBUF_STANDARD | image) as u8);
        let flags_changed = (*header).pd_flags != flags_before;
        let changed = if flags_changed { PD_FLAGS } else { PD_LOWER };
        // generic_xlog.c: a delta is a series of fragments, each offset, length, bytes. Registered data must stay
        // where it is until the insertion, so the fragments' heads have a place each. The tuples lie one below the other.
        let items = LINE_POINTERS + (usize::from(first) - 1) * LINE_POINTER_BYTES;
        let start = (*header).pd_upper;
        let heads = [
            [changed as u16, (PD_UPPER_END - changed) as u16],
            [items as u16, (count * LINE_POINTER_BYTES) as u16],
            [start, upper_before - start],
        ];
        for [from, bytes] in &heads {
            raw::XLogRegisterBufData(0, std::ptr::from_ref(from).cast_mut().cast(), 2);
            raw::XLogRegisterBufData(0, std::ptr::from_ref(bytes).cast_mut().cast(), 2);
            raw::XLogRegisterBufData(0, page.add(usize::from(*from)), i32::from(*bytes));
        }
        let beside_head = beside.map(|beside| {
            let page = pg_sys::BufferGetPage(beside.buffer);
            let (from, bytes) = (
                beside.at.offset_from(page.cast()),
                size_of::<u64>() + beside.length,
            );
            (beside, [from as u16, bytes as u16])
        });
        if let Some((beside, head)) = &beside_head {
            raw::XLogRegisterBuffer(1, beside.buffer, pg_sys::REGBUF_STANDARD as u8);
            raw::XLogRegisterBufData(1, head.as_ptr().cast_mut().cast(), 4);
            raw::XLogRegisterBufData(1, beside.at.cast(), i32::from(head[1]));
        }
        let lsn = raw::XLogInsert(pg_sys::RmgrIds::RM_GENERIC_ID as u8, 0);
        stamp(page, lsn);
        if let Some(beside) = &beside {
            stamp(pg_sys::BufferGetPage(beside.buffer), lsn);
        }
        pg_sys::CritSectionCount -= 1;

        raw::UnlockReleaseBuffer(buffer);
        Some((lsn, count))
    }
}

/// # Safety
/// A locked page, changed by the record that ends there.
unsafe fn stamp(page: pg_sys::Page, lsn: pg_sys::XLogRecPtr) {
    // SAFETY: the caller's promise.
    let stamp = unsafe { &mut (*page.cast::<pg_sys::PageHeaderData>()).pd_lsn };
    stamp.xlogid = (lsn >> 32) as u32;
    stamp.xrecoff = lsn as u32;
}

/// Offsets in a page's header (bufpage.h): pd_flags, pd_lower, and the end of pd_upper behind it.
const PD_FLAGS: usize = std::mem::offset_of!(pg_sys::PageHeaderData, pd_flags);
const PD_LOWER: usize = std::mem::offset_of!(pg_sys::PageHeaderData, pd_lower);
const PD_UPPER_END: usize = std::mem::offset_of!(pg_sys::PageHeaderData, pd_special);
pub const LINE_POINTERS: usize = std::mem::offset_of!(pg_sys::PageHeaderData, pd_linp);
pub const LINE_POINTER_BYTES: usize = std::mem::size_of::<pg_sys::ItemIdData>();

impl Page {
    /// # Safety
    /// The page is still pinned and locked.
    unsafe fn bytes(self) -> pg_sys::Page {
        // SAFETY: the caller's promise.
        unsafe { pg_sys::BufferGetPage(self.buffer) }
    }
}

/// Half a page: what VACUUM gave back is taken up again where it comes to that much at least.
const WORTHWHILE: usize = pg_sys::BLCKSZ as usize / 2;
/// Pages that the free space map names in vain before a new one is added.
const TRIES: usize = 8;

/// The page where the last row came to if it has room, else one that VACUUM emptied, else a new one. For rows that are
/// put one writer after the other, so that a page in use is waited for.
///
/// # Safety
/// As [`put`]; no other writer is at it.
pub unsafe fn next_with_room(
    relation: pg_sys::Relation,
    last: pg_sys::BlockNumber,
    length: u32,
) -> Page {
    // SAFETY: block numbers are compared with the relation's size, unless this backend has done so before
    // (smgr_targblock, which PostgreSQL forgets when the table is truncated); a lock keeps VACUUM from truncating it.
    unsafe {
        if known_block(relation) == last {
            if let Some(page) = lock_if_room(relation, last, length, Patience::Waits) {
                return page;
            }
        } else if last < block_count(relation)
            && let Some(page) = lock_if_room(relation, last, length, Patience::Waits)
        {
            (*(*relation).rd_smgr).smgr_targblock = last;
            return page;
        }
        let mut block = raw::GetPageWithFreeSpace(relation, WORTHWHILE);
        for _ in 0..TRIES {
            if block >= block_count(relation) {
                break;
            }
            if let Some(page) = lock_if_room(relation, block, length, Patience::Waits) {
                return page;
            }
            block = raw::RecordAndGetPageWithFreeSpace(relation, block, 0, WORTHWHILE);
        }
        // One that a crash left uninitialised, or that a transaction left empty, stands at the end.
        if let Some(block) = block_count(relation).checked_sub(1)
            && let Some(page) = lock_if_room(relation, block, length, Patience::Waits)
        {
            return page;
        }
        loop {
            let block = add_block(relation);
            if let Some(page) = lock_if_room(relation, block, length, Patience::Waits) {
                return page;
            }
        }
    }
}

/// A page with room for `length` bytes, for rows that go in no order.
///
/// Starts with the block where this backend last found room, then the last block. One that another backend is writing
/// to is passed over for a new one, which this backend then keeps to: as with an ordinary INSERT, backends that write at
/// once write to pages of their own instead of queueing.
///
/// # Safety
/// As [`put`].
pub unsafe fn any_with_room(relation: pg_sys::Relation, length: u32) -> Page {
    // SAFETY: block numbers come from the relation itself, read under a lock that keeps VACUUM from truncating it;
    // the extension lock makes sure that two backends do not add the same block. As in RelationGetBufferForTuple.
    unsafe {
        let mut block = known_block(relation);
        let mut is_last = false;
        loop {
            if block == pg_sys::InvalidBlockNumber && !is_last {
                block = block_count(relation)
                    .checked_sub(1)
                    .unwrap_or(pg_sys::InvalidBlockNumber);
                is_last = true;
            }
            if block != pg_sys::InvalidBlockNumber
                && let Some(found) = lock_if_room(relation, block, length, Patience::PassesOver)
            {
                // Reading the block has opened the storage (RelationGetSmgr).
                (*(*relation).rd_smgr).smgr_targblock = block;
                return found;
            }
            block = if is_last {
                // Others see the new block as soon as it exists, so it is locked and looked at like any other:
                // whoever comes first finds it uninitialised.
                add_block(relation)
            } else {
                pg_sys::InvalidBlockNumber
            };
        }
    }
}

/// Where this backend last put a row of the relation, if it has and the relation was not truncated since.
///
/// # Safety
/// An open relation.
pub unsafe fn known_block(relation: pg_sys::Relation) -> pg_sys::BlockNumber {
    // SAFETY: an open relation.
    unsafe {
        match (*relation).rd_smgr {
            storage if storage.is_null() => pg_sys::InvalidBlockNumber,
            storage => (*storage).smgr_targblock,
        }
    }
}

/// # Safety
/// An open relation.
pub unsafe fn block_count(relation: pg_sys::Relation) -> pg_sys::BlockNumber {
    // SAFETY: an open relation.
    unsafe { raw::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM) }
}

/// # Safety
/// As [`put`].
unsafe fn add_block(relation: pg_sys::Relation) -> pg_sys::BlockNumber {
    // SAFETY: as in RelationGetBufferForTuple.
    unsafe {
        raw::LockRelationForExtension(relation, pg_sys::ExclusiveLock as i32);
        let buffer = raw::ReadBuffer(relation, pg_sys::InvalidBlockNumber);
        raw::UnlockRelationForExtension(relation, pg_sys::ExclusiveLock as i32);
        let block = raw::BufferGetBlockNumber(buffer);
        raw::ReleaseBuffer(buffer);
        block
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Waits,
    /// Another page will do as well.
    PassesOver,
}

/// # Safety
/// As [`put`]; `block` exists. `None`: no room, or, for the impatient, somebody else has it locked.
unsafe fn lock_if_room(
    relation: pg_sys::Relation,
    block: pg_sys::BlockNumber,
    length: u32,
    patience: Patience,
) -> Option<Page> {
    // SAFETY: as above. A page that an extension left uninitialised before a crash has pd_upper 0 (PageIsNew); it is
    // initialised as in RelationGetBufferForTuple, and the first record on it carries all of it.
    unsafe {
        let buffer = raw::ReadBuffer(relation, block);
        if patience == Patience::Waits {
            raw::LockBuffer(buffer, pg_sys::BUFFER_LOCK_EXCLUSIVE as i32);
        } else if !raw::ConditionalLockBuffer(buffer) {
            raw::ReleaseBuffer(buffer);
            return None;
        }
        let page = pg_sys::BufferGetPage(buffer);
        let fresh = (*page.cast::<pg_sys::PageHeaderData>()).pd_upper == 0;
        if fresh {
            raw::PageInit(page, pg_sys::BLCKSZ as usize, 0);
            raw::MarkBufferDirty(buffer);
        }
        if raw::PageGetHeapFreeSpace(page) >= pg_sys::MAXALIGN(length as usize) {
            return Some(Page { buffer, fresh });
        }
        raw::UnlockReleaseBuffer(buffer);
        None
    }
}
