//! Commands that give a value to a setting, judged before PostgreSQL runs them.
//!
//! The one hook of ours on utility commands: who else is to see them is called from here. It stands in the way of every
//! one of them, so it hands them on without pgrx's guard: an error caught and raised again on the way would lose what it
//! says of tables, columns and constraints.

use std::cell::Cell;
use std::ffi::{CStr, c_char};

use pgrx::pg_guard;
use pgrx::pg_sys::{self, NodeTag};

use super::attempt::ServerError;
use super::{discretion, refusal, statement};

/// Who is given the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Session,
    Role,
    Database,
    /// ALTER SYSTEM.
    System,
}

/// Says why a setting may not be given a value there. Sees every SET of the session.
pub type Judge = fn(Target, &CStr) -> Option<ServerError>;

thread_local! {
    static JUDGE: Cell<Option<Judge>> = const { Cell::new(None) };
    static BEFORE: Cell<pg_sys::ProcessUtility_hook_type> = const { Cell::new(None) };
}

// Declared here without pgrx's guard: see above.
unsafe extern "C-unwind" {
    fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const c_char,
        read_only_tree: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        parameters: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        destination: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}

/// Called once, by _PG_init.
pub fn judge_settings(judge: Judge) {
    JUDGE.set(Some(judge));
    // SAFETY: a plain global of this process; the hook that stood is called by ours.
    unsafe {
        BEFORE.set(pg_sys::ProcessUtility_hook);
        pg_sys::ProcessUtility_hook = Some(process_utility);
    }
}

/// Owns nothing that needs dropping: an error on its way jumps over it.
unsafe extern "C-unwind" fn process_utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: arguments are handed on as they came.
    unsafe {
        refusal::before_utility((*statement).utilityStmt);
        statement::look();
        refuse_or_return((*statement).utilityStmt);
        let next = BEFORE.get().unwrap_or(standard_ProcessUtility);
        next(
            statement,
            text,
            read_only_tree,
            context,
            parameters,
            environment,
            destination,
            completion,
        );
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn refuse_or_return(node: *mut pg_sys::Node) {
    // SAFETY: the tag says what a node is (nodes.h); a statement's parts are complete when it is run.
    let (target, set) = unsafe {
        match (*node).type_ {
            NodeTag::T_VariableSetStmt => (Target::Session, node.cast::<pg_sys::VariableSetStmt>()),
            NodeTag::T_AlterRoleSetStmt => (
                Target::Role,
                (*node.cast::<pg_sys::AlterRoleSetStmt>()).setstmt,
            ),
            NodeTag::T_AlterDatabaseSetStmt => (
                Target::Database,
                (*node.cast::<pg_sys::AlterDatabaseSetStmt>()).setstmt,
            ),
            NodeTag::T_AlterSystemStmt => (
                Target::System,
                (*node.cast::<pg_sys::AlterSystemStmt>()).setstmt,
            ),
            _ => return,
        }
    };
    // SAFETY: as above; a name is a NUL-terminated string of the parser's.
    let name = unsafe {
        let gives = [
            pg_sys::VariableSetKind::VAR_SET_VALUE,
            pg_sys::VariableSetKind::VAR_SET_CURRENT,
        ];
        if !gives.contains(&(*set).kind) || (*set).name.is_null() {
            return;
        }
        CStr::from_ptr((*set).name)
    };
    if let Some(refusal) = JUDGE.get().and_then(|judge| judge(target, name)) {
        // The statement may hold what must not stand in a log. Not left again: see Discretion.
        let _discretion = discretion::enter();
        refusal.raise();
    }
}
