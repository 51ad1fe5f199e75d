//! A row on its way into a table, as a trigger for each row sees it. Nothing is copied.

use std::ffi::CStr;

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{PgSqlErrorCode, direct_function_call_as_datum};

use super::attempt::ServerError;
use super::columns::Column;
use super::raw;
use super::text;
use super::value::{Form, Value};

/// The running call of a trigger function.
pub struct Firing {
    call: pg_sys::FunctionCallInfo,
}

/// What a trigger function answers: the row that goes on.
pub struct Passed(pg_sys::Datum);

/// A row before or after it is written, in a trigger for each row.
pub struct Row<'a> {
    data: &'a pg_sys::TriggerData,
    trigger: &'a pg_sys::Trigger,
    new: *mut pg_sys::TupleTableSlot,
    old: Option<*mut pg_sys::TupleTableSlot>,
}

impl Firing {
    /// - errors: 39P01 where this was not called by a trigger for each row of INSERT or UPDATE.
    pub fn row(&self) -> Result<Row<'_>, ServerError> {
        // SAFETY: a call by the trigger manager carries a TriggerData (trigger.h), which says so by its tag; it and the
        // slots live as long as the call. Of UPDATE the first slot is the former row.
        unsafe {
            let context = (*self.call).context;
            if !context.is_null() && (*context).type_ == pg_sys::NodeTag::T_TriggerData {
                let data = &*context.cast::<pg_sys::TriggerData>();
                let operation = data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK;
                let (new, old) = match operation {
                    pg_sys::TRIGGER_EVENT_INSERT => (data.tg_trigslot, None),
                    pg_sys::TRIGGER_EVENT_UPDATE => (data.tg_newslot, Some(data.tg_trigslot)),
                    _ => return Err(misplaced()),
                };
                if data.tg_event & pg_sys::TRIGGER_EVENT_ROW != 0 {
                    let trigger = &*data.tg_trigger;
                    return Ok(Row {
                        data,
                        trigger,
                        new,
                        old,
                    });
                }
            }
        }
        Err(misplaced())
    }
}

fn misplaced() -> ServerError {
    ServerError {
        sqlstate: PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
        message: "the function is for a trigger for each row, of INSERT or UPDATE".to_owned(),
        detail: None,
        hint: None,
    }
}

impl<'a> Row<'a> {
    pub fn table(&self) -> u32 {
        // SAFETY: the relation is open while its trigger fires.
        unsafe { (*self.data.tg_relation).rd_id }.to_u32()
    }

    pub fn trigger(&self) -> u32 {
        self.trigger.tgoid.to_u32()
    }

    /// Whether what the trigger answers is what is written. Generated columns have no value yet.
    pub fn is_before(&self) -> bool {
        self.data.tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK == pg_sys::TRIGGER_EVENT_BEFORE
    }

    /// Of CREATE TRIGGER, in the database's encoding.
    pub fn arguments(&self) -> Vec<Vec<u8>> {
        let count = usize::try_from(self.trigger.tgnargs).unwrap_or(0);
        // SAFETY: so many NUL-terminated strings.
        (0..count)
            .map(|i| unsafe {
                CStr::from_ptr(*self.trigger.tgargs.add(i))
                    .to_bytes()
                    .to_vec()
            })
            .collect()
    }

    /// The value of a column unless it is NULL, or what stood there before.
    #[inline]
    pub fn changed(&self, column: &Column) -> Option<Value<'a>> {
        let value = self.value(self.new, column.number)?;
        if let Some(old) = self.old
            && let Some(before) = self.value(old, column.number)
        {
            let length = if matches!(column.form, Form::Name) {
                pg_sys::NAMEDATALEN as i16
            } else {
                -1
            };
            if value.is_image_of(before, length) {
                return None;
            }
        }
        Some(value)
    }

    /// The new text of a column as UTF-8; `None`: NULL, or it has no such form.
    pub fn text(&self, column: &Column) -> Option<String> {
        let value = self.value(self.new, column.number)?;
        let utf8 = text::to_utf8(value.text(&column.form))?;
        String::from_utf8(utf8.into_owned()).ok()
    }

    /// The new value of a uuid column.
    pub fn uuid(&self, number: i16) -> Option<[u8; 16]> {
        let value = self.value(self.new, number)?;
        // SAFETY: the caller knows the column's type from the table's descriptor; a uuid is 16 bytes.
        Some(unsafe { *value.datum().cast_mut_ptr::<[u8; 16]>() })
    }

    #[inline]
    fn value(&self, slot: *mut pg_sys::TupleTableSlot, number: i16) -> Option<Value<'a>> {
        // SAFETY: the slot holds the row (execTuples.h), whose columns are read up to the one that is asked for; a number
        // from this table's descriptor. The closure owns nothing.
        unsafe {
            if (*slot).tts_nvalid < number {
                raw::guarded(|| raw::slot_getsomeattrs_int(slot, number.into()));
            }
            let at = usize::try_from(number - 1).ok()?;
            if *(*slot).tts_isnull.add(at) {
                return None;
            }
            Some(Value::new(*(*slot).tts_values.add(at)))
        }
    }

    /// The row as it came.
    pub fn pass(self) -> Passed {
        Passed(pg_sys::Datum::from(self.tuple()))
    }

    /// The row with other texts in some columns, given as UTF-8 and read as constants of the columns' types are.
    ///
    /// - errors: 22P05 where the text has no form in the database's encoding; a domain's own where it does not agree.
    pub fn pass_with(self, others: &[(&Column, String)]) -> Result<Passed, ServerError> {
        let mut numbers = Vec::new();
        let mut values = Vec::new();
        for (column, text) in others {
            numbers.push(i32::from(column.number));
            values.push(datum(column, text)?);
        }
        let mut nulls = vec![false; values.len()];
        // SAFETY: as many numbers of columns of this table as values of their types; the result is a fresh tuple in the
        // current memory context, that of the row.
        unsafe {
            let tuple = pg_sys::heap_modify_tuple_by_cols(
                self.tuple(),
                (*self.data.tg_relation).rd_att,
                i32::try_from(numbers.len()).unwrap_or(0),
                numbers.as_mut_ptr(),
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            Ok(Passed(pg_sys::Datum::from(tuple)))
        }
    }

    fn tuple(&self) -> pg_sys::HeapTuple {
        if self.old.is_some() {
            self.data.tg_newtuple
        } else {
            self.data.tg_trigtuple
        }
    }
}

/// A text as a value of a column's type: text and its kin, or one of the two of JSON.
fn datum(column: &Column, utf8: &str) -> Result<pg_sys::Datum, ServerError> {
    let unfit = || ServerError {
        sqlstate: PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER,
        message: "a text has no form in the database's encoding".to_owned(),
        detail: None,
        hint: None,
    };
    let server = text::from_utf8(utf8.as_bytes()).ok_or_else(unfit)?;
    let terminated: Vec<u8> = server.iter().copied().chain([0]).collect();
    // SAFETY: a NUL-terminated string, from which json and jsonb are read as their input functions do; a text of so many
    // bytes is copied. A domain's checks get the value that it is for.
    unsafe {
        let datum = match &column.form {
            Form::Jsonb => {
                let text = pg_sys::Datum::from(terminated.as_ptr());
                direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(text)]).ok_or_else(unfit)?
            }
            _ => {
                let length = i32::try_from(server.len()).unwrap_or(i32::MAX);
                pg_sys::Datum::from(pg_sys::cstring_to_text_with_len(
                    terminated.as_ptr().cast(),
                    length,
                ))
            }
        };
        if let Some(domain) = column.domain() {
            pg_sys::domain_check(
                datum,
                false,
                domain,
                std::ptr::null_mut(),
                pg_sys::CurrentMemoryContext,
            );
        }
        Ok(datum)
    }
}

// SAFETY: takes the call itself and no argument of it.
unsafe impl<'fcx> ArgAbi<'fcx> for Firing {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as pgrx's own.
        let call = unsafe { pg_sys::FunctionCallInfo::unbox_arg_unchecked(arg) };
        Self { call }
    }

    fn is_virtual_arg() -> bool {
        true
    }
}

// SAFETY: only read when SQL is generated, which is switched off for the functions that take this type.
unsafe impl SqlTranslatable for Firing {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Firing);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::Skip));
}

// SAFETY: the datum is a tuple of the table that the trigger fires for, which is what the trigger manager expects.
unsafe impl BoxRet for Passed {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: as above.
        unsafe { fcinfo.return_raw_datum(self.0) }
    }
}

// SAFETY: as for Firing.
unsafe impl SqlTranslatable for Passed {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Passed);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("trigger"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("trigger")));
}
