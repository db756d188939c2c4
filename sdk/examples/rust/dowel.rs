//! The part of Dowel's plugin ABI that this example uses, as dowel/*.h has it: the tables are the ABI, the functions in
//! the headers are only their sugar. Slots are appended, never moved, so what is not used here can be left out behind
//! the last one that is, and opaque before it.
#![allow(dead_code)]

use std::os::raw::{c_char, c_int, c_void};
use std::sync::atomic::AtomicPtr;

pub enum Call {}
pub enum Request {}
pub type Slot = *const c_void;

pub const ABI_MAJOR: u16 = 0;
pub const ABI_MINOR: u16 = 1;
pub const EINTERNAL: c_int = -18;

// enum dw_type
pub const INT: u32 = 2;
pub const TEXT: u32 = 5;
pub const TO_STR: u32 = 15;

#[repr(C)]
pub struct Str {
    pub p: *const u8,
    pub n: usize,
}

/// struct dw_value: `word` is the union, which is as wide as its widest member.
#[repr(C)]
pub struct Value {
    kind: u32,
    reserved: u32,
    word: u64,
    n: usize,
}

impl Value {
    pub fn int(i: i64) -> Value {
        Value { kind: INT, reserved: 0, word: i as u64, n: 0 }
    }

    /// Borrowed, as everything that crosses: for the function it is given to.
    pub fn text(s: &str) -> Value {
        Value { kind: TEXT, reserved: 0, word: s.as_ptr() as usize as u64, n: s.len() }
    }

    pub fn to_str(to: &mut Str) -> Value {
        Value { kind: TO_STR, reserved: 0, word: to as *mut Str as usize as u64, n: 0 }
    }
}

#[repr(C)]
pub struct List {
    v: *const Value,
    n: usize,
}

pub fn list(values: &[Value]) -> List {
    List { v: values.as_ptr(), n: values.len() }
}

#[repr(C)]
pub struct HttpApi {
    struct_size: u32,
    pub read: unsafe extern "C" fn(*mut Request, List) -> c_int,
    json: Slot,
    body: Slot,
    header: Slot,
    method: Slot,
    path: Slot,
    id: Slot,
    pub reply: unsafe extern "C" fn(*mut Request, List) -> c_int,
}

#[repr(C)]
pub struct Host {
    struct_size: u32,
    abi_major: u16,
    abi_minor: u16,
    call: Slot,
    log: Slot,
    pub http: *const HttpApi,
}

#[repr(C)]
pub struct Asset {
    pub path: *const c_char,
    pub data: *const u8,
    pub size: usize,
}

#[repr(C)]
pub struct Operation {
    pub id: *const c_char,
    pub handler: Option<unsafe extern "C" fn(*mut Call, *mut Request) -> c_int>,
}

#[repr(C)]
pub struct Sizes {
    pub asset: u16,
    pub item: u16,
    pub operation: u16,
    pub route: u16,
    pub question: u16,
    pub hook: u16,
    pub service: u16,
}

#[repr(C)]
pub struct Items {
    pub list: Slot,
    pub struct_bytes: usize,
}

#[repr(C)]
pub struct Plugin {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub need_minor: u16,
    pub sizes_size: u16,
    pub sizes: *const Sizes,
    pub host: *const AtomicPtr<Host>, // const dw_host **: an AtomicPtr is a pointer
    pub assets: *const Asset,
    pub name: *const c_char,
    pub version: *const c_char,
    pub summary: *const c_char,
    pub license: *const c_char,
    pub needs: *const c_char,
    pub wants: *const c_char,
    pub self_size: usize,
    pub conf: Items,
    pub operations: *const Operation,
    pub routes: Slot,
    pub questions: Slot,
    pub hooks: Slot,
    pub services: Slot,
    pub init: Slot,
    pub start: Slot,
    pub check: Slot,
    pub stop: Slot,
    pub fini: Slot,
}

/// Constant tables of pointers, which only the host reads after it has set `host` itself.
#[repr(transparent)]
pub struct Table<T>(pub T);
unsafe impl<T> Sync for Table<T> {}
