//! PostgreSQL's functions without a guard around each call, for the paths on which a guard a call (a sigsetjmp, as
//! pgrx wraps them) would cost as much as the work. Most are called many under one guard; the last few cannot raise.

use std::ffi::{c_char, c_int};

use pgrx::pg_sys::{
    BackendState, BlockNumber, Buffer, Datum, ForkNumber, FullTransactionId, FunctionCallInfo,
    HeapTuple, LOCKMODE, LWLock, LWLockMode, List, OffsetNumber, Oid, Page, PgStat_Counter,
    PreparedStatement, QueryDesc, Relation, RmgrId, ScanDirection, ScanKey, ScanKeyData, Size,
    Snapshot, SysScanDesc, TimestampTz, TupleDesc, TupleTableSlot, Tuplestorestate, XLogRecPtr,
    bits32, config_generic, ffi, varlena,
};

/// Runs `body` with one guard around all of it: an ERROR in it becomes a Rust panic here.
///
/// # Safety
/// A longjmp skips what lies between: `body` must own nothing that needs dropping, and must not panic.
pub unsafe fn guarded<T: Copy>(body: impl FnOnce() -> T) -> T {
    // SAFETY: the caller's promise is what the guard asks for.
    unsafe { ffi::pg_guard_ffi_boundary(body) }
}

// Signatures as in the headers of PostgreSQL 15; to be called inside `guarded` only.
unsafe extern "C-unwind" {
    pub fn Async_Notify(channel: *const c_char, payload: *const c_char);
    pub fn BufferGetBlockNumber(buffer: Buffer) -> BlockNumber;
    pub fn ConditionalLockBuffer(buffer: Buffer) -> bool;
    pub fn GetCatalogSnapshot(relation: Oid) -> Snapshot;
    pub fn GetLatestSnapshot() -> Snapshot;
    pub fn GetPageWithFreeSpace(relation: Relation, needed: Size) -> BlockNumber;
    pub fn GetTransactionSnapshot() -> Snapshot;
    pub fn InitMaterializedSRF(call: FunctionCallInfo, flags: bits32);
    pub fn LWLockAcquire(lock: *mut LWLock, mode: LWLockMode::Type) -> bool;
    pub fn LockBuffer(buffer: Buffer, mode: c_int);
    pub fn LockRelationForExtension(relation: Relation, mode: LOCKMODE);
    pub fn MarkBufferDirty(buffer: Buffer);
    pub fn PageAddItemExtended(
        page: Page,
        item: *mut c_char,
        size: Size,
        at: OffsetNumber,
        flags: c_int,
    ) -> OffsetNumber;
    pub fn PageGetHeapFreeSpace(page: Page) -> Size;
    pub fn PageInit(page: Page, size: Size, special: Size);
    pub fn ReadBuffer(relation: Relation, block: BlockNumber) -> Buffer;
    pub fn RecordAndGetPageWithFreeSpace(
        relation: Relation,
        block: BlockNumber,
        free: Size,
        needed: Size,
    ) -> BlockNumber;
    pub fn RegisterSnapshot(snapshot: Snapshot) -> Snapshot;
    pub fn ReleaseBuffer(buffer: Buffer);
    pub fn RelationGetIndexList(relation: Relation) -> *mut List;
    pub fn RelationGetNumberOfBlocksInFork(
        relation: Relation,
        fork: ForkNumber::Type,
    ) -> BlockNumber;
    pub fn index_close(index: Relation, mode: LOCKMODE);
    pub fn index_open(index: Oid, mode: LOCKMODE) -> Relation;
    pub fn ScanKeyInit(
        key: *mut ScanKeyData,
        attribute: i16,
        strategy: u16,
        procedure: Oid,
        argument: Datum,
    );
    pub fn UnlockRelationForExtension(relation: Relation, mode: LOCKMODE);
    pub fn UnlockReleaseBuffer(buffer: Buffer);
    pub fn UnregisterSnapshot(snapshot: Snapshot);
    pub fn XLogBeginInsert();
    pub fn XLogInsert(manager: RmgrId, info: u8) -> XLogRecPtr;
    pub fn XLogRegisterBufData(block: u8, data: *mut c_char, length: c_int);
    pub fn XLogRegisterBuffer(block: u8, buffer: Buffer, flags: u8);
    pub fn heap_deform_tuple(
        tuple: HeapTuple,
        descriptor: TupleDesc,
        values: *mut Datum,
        nulls: *mut bool,
    );
    pub fn heap_form_tuple(
        descriptor: TupleDesc,
        values: *mut Datum,
        nulls: *mut bool,
    ) -> HeapTuple;
    pub fn heap_freetuple(tuple: HeapTuple);
    pub fn pg_detoast_datum_packed(datum: *mut varlena) -> *mut varlena;
    pub fn pg_get_indexdef_string(index: Oid) -> *mut c_char;
    pub fn pgstat_count_heap_insert(relation: Relation, count: PgStat_Counter);
    pub fn slot_getsomeattrs_int(slot: *mut TupleTableSlot, number: c_int);
    pub fn systable_beginscan(
        relation: Relation,
        index: Oid,
        index_ok: bool,
        snapshot: Snapshot,
        count: c_int,
        keys: ScanKey,
    ) -> SysScanDesc;
    pub fn systable_endscan(scan: SysScanDesc);
    pub fn systable_getnext(scan: SysScanDesc) -> HeapTuple;
    pub fn table_close(relation: Relation, mode: LOCKMODE);
    pub fn table_open(table: Oid, mode: LOCKMODE) -> Relation;
    pub fn tuplestore_begin_heap(
        random_access: bool,
        inter_transaction: bool,
        max_kilobytes: c_int,
    ) -> *mut Tuplestorestate;
    pub fn tuplestore_end(store: *mut Tuplestorestate);
    pub fn tuplestore_putvalues(
        store: *mut Tuplestorestate,
        descriptor: TupleDesc,
        values: *mut Datum,
        nulls: *mut bool,
    );
}

// These read the clock, or what this process or shared memory says of itself, and hold no ereport, or none that a lock
// which is held could reach: they may be called without a guard.
// Those that read or write what this process or shared memory says of itself, or the clock, hold no ereport: they may be
// called without a guard. FetchPreparedStatement holds one, which it is told to leave. The others are called where an
// error may jump over the caller's frame, which owns nothing.
unsafe extern "C-unwind" {
    pub fn EmitErrorReport();
    pub fn FetchPreparedStatement(name: *const c_char, raises: bool) -> *mut PreparedStatement;
    pub fn GetCurrentStatementStartTimestamp() -> TimestampTz;
    pub fn GetCurrentTimestamp() -> TimestampTz;
    pub fn GetCurrentTransactionNestLevel() -> c_int;
    pub fn GetDatabaseEncoding() -> c_int;
    pub fn GetNumConfigOptions() -> c_int;
    pub fn GetOuterUserId() -> Oid;
    pub fn GetSessionUserId() -> Oid;
    pub fn GetTopFullTransactionIdIfAny() -> FullTransactionId;
    pub fn InNoForceRLSOperation() -> bool;
    pub fn InSecurityRestrictedOperation() -> bool;
    pub fn IsInParallelMode() -> bool;
    pub fn IsTransactionState() -> bool;
    pub fn LWLockRelease(lock: *mut LWLock);
    pub fn RecoveryInProgress() -> bool;
    pub fn get_guc_variables() -> *mut *mut config_generic;
    pub fn pgstat_report_activity(state: BackendState::Type, text: *const c_char);
    pub fn pgstat_report_query_id(id: u64, force: bool);
    pub fn standard_ExecutorRun(
        query: *mut QueryDesc,
        direction: ScanDirection::Type,
        count: u64,
        once: bool,
    );
    pub fn standard_ExecutorStart(query: *mut QueryDesc, flags: c_int);
}
