//! rust - a plugin in Rust, without crates and without C: it counts the letters of a text.

mod dowel;

use dowel::*;
use std::mem::size_of;
use std::os::raw::{c_char, c_int};
use std::panic::catch_unwind;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

/// The host writes its address here before it calls anything.
static HOST: AtomicPtr<Host> = AtomicPtr::new(null_mut());

unsafe fn http() -> &'static HttpApi {
    &*(*HOST.load(Ordering::Relaxed)).http
}

unsafe extern "C" fn count_letters(_: *mut Call, req: *mut Request) -> c_int {
    // A panic must not cross into C.
    catch_unwind(|| {
        let mut text = Str { p: null(), n: 0 };
        let rc = (http().read)(req, list(&[Value::text("text"), Value::to_str(&mut text)]));
        if rc < 0 {
            return rc;
        }
        let text = match std::str::from_utf8(std::slice::from_raw_parts(text.p, text.n)) {
            Ok(text) => text,
            Err(_) => return EINTERNAL, // the host promises UTF-8
        };
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        (http().reply)(req, list(&[Value::int(200), Value::text("letters"), Value::int(letters as i64)]))
    })
    .unwrap_or(EINTERNAL)
}

// ---- the descriptor: what DOWEL_PLUGIN() writes in C ----

macro_rules! c {
    ($text:expr) => {
        concat!($text, "\0").as_ptr() as *const c_char
    };
}

static API: &str = concat!(include_str!("api.yaml"), "\0");

static ASSETS: Table<[Asset; 2]> = Table([
    Asset { path: c!("api.yaml"), data: API.as_ptr(), size: API.len() - 1 },
    Asset { path: null(), data: null(), size: 0 },
]);

static OPERATIONS: Table<[Operation; 2]> = Table([
    Operation { id: c!("countLetters"), handler: Some(count_letters) },
    Operation { id: null(), handler: None },
]);

// Arrays that are not used have no elements whose size could matter; the host wants them to be at least as large as
// they were in the first version.
static SIZES: Sizes = Sizes {
    asset: size_of::<Asset>() as u16,
    item: 64,
    operation: size_of::<Operation>() as u16,
    route: 32,
    question: 16,
    hook: 24,
    service: 16,
};

static PLUGIN: Table<Plugin> = Table(Plugin {
    struct_size: size_of::<Plugin>() as u32,
    abi_major: ABI_MAJOR,
    abi_minor: ABI_MINOR,
    need_minor: ABI_MINOR,
    sizes_size: size_of::<Sizes>() as u16,
    sizes: &SIZES,
    host: &HOST,
    assets: &ASSETS.0 as *const Asset,
    name: c!("rust"),
    version: c!("1.0.0"),
    summary: c!("Counts letters, in Rust"),
    license: c!("MIT"),
    needs: null(),
    wants: null(),
    self_size: 0,
    conf: Items { list: null(), struct_bytes: 0 },
    operations: &OPERATIONS.0 as *const Operation,
    routes: null(),
    questions: null(),
    hooks: null(),
    services: null(),
    init: null(),
    start: null(),
    check: null(),
    stop: null(),
    fini: null(),
});

#[no_mangle]
pub extern "C" fn dowel_plugin_v0() -> *const Plugin {
    &PLUGIN.0
}
