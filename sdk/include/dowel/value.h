/* value.h - the vocabulary: errors, instants, strings, and DW(), the one way a value crosses the border.
 *
 * Tags used in every header: [call] on the thread that runs the callback that got the call; [any] any thread, any time
 * between start and fini. Everything is since ABI minor 1 unless its comment says "since". Texts are UTF-8 without NUL,
 * borrowed for the call unless said otherwise; who allocates frees. */
#ifndef DOWEL_VALUE_H
#define DOWEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DW_ABI_MAJOR 0
#define DW_ABI_MINOR 2

/* The oldest host that the plugin loads on. Define it lower before the include, and ask with DW_HAS() for what came
 * after it. */
#ifndef DOWEL_NEED_MINOR
#define DOWEL_NEED_MINOR DW_ABI_MINOR
#endif

/* `true` is an int in C11: say DW_TRUE where a value is wanted, or a bool variable. */
#define DW_TRUE  ((bool)1)
#define DW_FALSE ((bool)0)

#define DW_PRINTF(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define DW_MUST_CHECK        __attribute__((warn_unused_result))
#define DW_HIDDEN            __attribute__((visibility("hidden")))
#define DW_EXPORT            __attribute__((visibility("default")))

/* Every int result is >= 0 or one of these. A callback that returns one has answered: the host turns it into the right
 * outcome for where it ran (an HTTP problem with the status that stands here, a declined plugin). */
enum dw_error {
    DW_EINVALID = -1, /* the input is wrong: 422; what a peer was asked: 502 */
    DW_EAUTH = -2,    /* not authenticated: 401; when it comes from a peer: it refused our credentials, 502 */
    DW_EDENIED = -3,  /* 403 */
    DW_ENOTFOUND = -4,     /* 404 */
    DW_ECONFLICT = -5,     /* 409: unique or foreign key, illegal state */
    DW_EPRECONDITION = -6, /* 412: If-Match did not */
    DW_ETOOLARGE = -7,     /* 413; what a peer answered: 502 */
    DW_ERATE = -8,         /* 429, with Retry-After where it is known */
    DW_EUPSTREAM = -9,     /* 502: the peer answered something unusable */
    DW_EUNAVAILABLE = -10, /* 503: it certainly did not happen; may be tried again */
    DW_EUNKNOWN = -11,     /* 504: it may have happened; ask the peer before trying again */
    DW_ECANCELLED = -12,   /* the client left, stop was asked, or the deadline passed: return soon */
    DW_EGONE = -13,        /* whom it was for is no longer there; harmless */
    DW_ETX = -14,          /* needs a transaction, must not be in one, or it failed earlier */
    DW_ETHREAD = -15,      /* wrong thread, or a call used after its callback returned; logged */
    DW_EMISUSE = -16,      /* the plugin broke a contract; logged with its name: 500 */
    DW_ENOMEM = -17,       /* the call is over its memory limit */
    DW_EINTERNAL = -18     /* anything else: 500 */
};

/* Returns early when a step failed. Safe in every callback: what hangs on the call is undone by the host. */
#define DW_TRY(step)         \
    do {                     \
        int dw_rc_ = (step); \
        if (dw_rc_ < 0)      \
            return dw_rc_;   \
    } while (0)

typedef struct dw_time {
    int64_t us;
} dw_time; /* an instant: UTC microseconds since 1970 */
typedef struct dw_span {
    int64_t us;
} dw_span; /* a duration */
typedef struct dw_str {
    const char *p;
    size_t n;
} dw_str; /* UTF-8, not necessarily terminated */
typedef struct dw_bytes {
    const void *p;
    size_t n;
} dw_bytes;
typedef struct dw_secret {
    const char *hidden;
} dw_secret; /* DW() does not take it: a secret cannot be logged or replied */

#ifdef __cplusplus
#define DW_SPAN_(us) (dw_span{ (us) })
#else
#define DW_SPAN_(us) ((dw_span){ (us) })
#endif
#define DW_MILLISECONDS(n) DW_SPAN_(INT64_C(1000) * (n))
#define DW_SECONDS(n)      DW_SPAN_(INT64_C(1000000) * (n))
#define DW_MINUTES(n)      DW_SPAN_(INT64_C(60000000) * (n))
#define DW_HOURS(n)        DW_SPAN_(INT64_C(3600000000) * (n))

enum dw_type {
    DW_NULL,
    DW_BOOL,
    DW_INT,
    DW_UINT,
    DW_REAL,
    DW_TEXT,
    DW_BYTES,
    DW_TIME,
    DW_SPAN,
    DW_JSON,
    /* targets: where a result is stored */
    DW_TO_BOOL,
    DW_TO_INT32,
    DW_TO_INT64,
    DW_TO_REAL,
    DW_TO_TEXT,
    DW_TO_STR,
    DW_TO_BYTES,
    DW_TO_TIME,
    DW_TO_JSON
};

/* A value on its way in, or the place for one on its way out. Borrowed for the duration of the function it is given
 * to; json is copied or increfed, never stolen. */
typedef struct dw_value {
    uint32_t type;
    uint32_t reserved;
    union {
        int64_t i;
        uint64_t u;
        double r;
        const void *p;
        void *to;
    } as;
    size_t n; /* bytes of TEXT (SIZE_MAX: up to its NUL) and BYTES */
} dw_value;

typedef struct dw_list {
    const dw_value *v;
    size_t n;
} dw_list;

#define DW_V_(name, ctype, tag, field, expr, len) \
    static inline dw_value name(ctype x)          \
    {                                             \
        dw_value v = { tag, 0, { 0 }, len };      \
        v.as.field = expr;                        \
        return v;                                 \
    }
DW_V_(dw_v_null_, const void *, DW_NULL, p, x, 0) /* the host refuses a void * that is not NULL */
DW_V_(dw_v_bool_, bool, DW_BOOL, i, x ? 1 : 0, 0)
DW_V_(dw_v_int_, int64_t, DW_INT, i, x, 0)
DW_V_(dw_v_uint_, uint64_t, DW_UINT, u, x, 0)
DW_V_(dw_v_real_, double, DW_REAL, r, x, 0)
DW_V_(dw_v_text_, const char *, DW_TEXT, p, x, SIZE_MAX)
DW_V_(dw_v_str_, dw_str, DW_TEXT, p, x.p, x.n)
DW_V_(dw_v_bytes_, dw_bytes, DW_BYTES, p, x.p, x.n)
DW_V_(dw_v_time_, dw_time, DW_TIME, i, x.us, 0)
DW_V_(dw_v_span_, dw_span, DW_SPAN, i, x.us, 0)
DW_V_(dw_v_json_, const json_t *, DW_JSON, p, x, 0)
DW_V_(dw_v_to_bool_, bool *, DW_TO_BOOL, to, x, 0)
DW_V_(dw_v_to_int_, int *, DW_TO_INT32, to, x, 0)
DW_V_(dw_v_to_long_, long *, DW_TO_INT64, to, x, 0)
DW_V_(dw_v_to_llong_, long long *, DW_TO_INT64, to, x, 0)
DW_V_(dw_v_to_real_, double *, DW_TO_REAL, to, x, 0)
DW_V_(dw_v_to_text_, const char **, DW_TO_TEXT, to, x, 0)
DW_V_(dw_v_to_str_, dw_str *, DW_TO_STR, to, x, 0)
DW_V_(dw_v_to_bytes_, dw_bytes *, DW_TO_BYTES, to, x, 0)
DW_V_(dw_v_to_time_, dw_time *, DW_TO_TIME, to, x, 0)
DW_V_(dw_v_to_json_, json_t **, DW_TO_JSON, to, x, 0)
#undef DW_V_

/* DW(x): a value from whatever x is; another type does not compile. A NULL text or json is null. DW_LIST(a, b, ...):
 * DW() over 1..32 things; lives until the end of the enclosing block (C) or expression (C++). */
#ifndef __cplusplus
#define DW(x) \
    _Generic((x), void *: dw_v_null_, bool: dw_v_bool_, char: dw_v_int_, signed char: dw_v_int_, short: dw_v_int_, \
        int: dw_v_int_, long: dw_v_int_, long long: dw_v_int_, unsigned char: dw_v_uint_,                           \
        unsigned short: dw_v_uint_, unsigned: dw_v_uint_, unsigned long: dw_v_uint_,                                \
        unsigned long long: dw_v_uint_, float: dw_v_real_, double: dw_v_real_, char *: dw_v_text_,                  \
        const char *: dw_v_text_, dw_str: dw_v_str_, dw_bytes: dw_v_bytes_, dw_time: dw_v_time_,                    \
        dw_span: dw_v_span_, json_t *: dw_v_json_, const json_t *: dw_v_json_, bool *: dw_v_to_bool_,               \
        int *: dw_v_to_int_, long *: dw_v_to_long_, long long *: dw_v_to_llong_, double *: dw_v_to_real_,           \
        const char **: dw_v_to_text_, dw_str *: dw_v_to_str_, dw_bytes *: dw_v_to_bytes_,                           \
        dw_time *: dw_v_to_time_, json_t **: dw_v_to_json_)(x)
#define DW_LIST(...) ((dw_list){ (const dw_value[]){ DW_EACH_(__VA_ARGS__) }, DW_COUNT(__VA_ARGS__) })
#else
extern "C++" {
static inline dw_value DW(decltype(nullptr)) { return dw_v_null_(nullptr); }
#define DW_OVERLOAD_(ctype, make) \
    static inline dw_value DW(ctype x) { return make(x); }
DW_OVERLOAD_(bool, dw_v_bool_);
DW_OVERLOAD_(char, dw_v_int_);
DW_OVERLOAD_(short, dw_v_int_);
DW_OVERLOAD_(int, dw_v_int_);
DW_OVERLOAD_(long, dw_v_int_);
DW_OVERLOAD_(long long, dw_v_int_);
DW_OVERLOAD_(unsigned, dw_v_uint_);
DW_OVERLOAD_(unsigned long, dw_v_uint_);
DW_OVERLOAD_(unsigned long long, dw_v_uint_);
DW_OVERLOAD_(double, dw_v_real_);
DW_OVERLOAD_(const char *, dw_v_text_);
DW_OVERLOAD_(dw_str, dw_v_str_);
DW_OVERLOAD_(dw_bytes, dw_v_bytes_);
DW_OVERLOAD_(dw_time, dw_v_time_);
DW_OVERLOAD_(dw_span, dw_v_span_);
DW_OVERLOAD_(const json_t *, dw_v_json_);
DW_OVERLOAD_(bool *, dw_v_to_bool_);
DW_OVERLOAD_(int *, dw_v_to_int_);
DW_OVERLOAD_(long *, dw_v_to_long_);
DW_OVERLOAD_(long long *, dw_v_to_llong_);
DW_OVERLOAD_(double *, dw_v_to_real_);
DW_OVERLOAD_(const char **, dw_v_to_text_);
DW_OVERLOAD_(dw_str *, dw_v_to_str_);
DW_OVERLOAD_(dw_bytes *, dw_v_to_bytes_);
DW_OVERLOAD_(dw_time *, dw_v_to_time_);
DW_OVERLOAD_(json_t **, dw_v_to_json_);
template <class T> dw_value DW(T *) = delete; /* a stray pointer must not become bool */
dw_value DW(dw_secret) = delete;
#undef DW_OVERLOAD_
template <size_t N> struct dw_list_of_ {
    dw_value v[N];
    operator dw_list() const { return dw_list{ v, N }; }
};
}
#define DW_LIST(...) (dw_list(dw_list_of_<DW_COUNT(__VA_ARGS__)>{ { DW_EACH_(__VA_ARGS__) } }))
#endif
/* Named arguments: DW_ARGS_(dw_fetch_args, .url = url). In C++ (20) the names must stand in the struct's order. */
#ifndef __cplusplus
#define DW_ARGS_(T, ...) (&(const T){ .struct_size = (uint32_t)sizeof(T), __VA_ARGS__ })
#else
extern "C++" {
template <class T> const T *dw_address_(const T &t) { return &t; }
}
#define DW_ARGS_(T, ...) (dw_address_(T{ .struct_size = (uint32_t)sizeof(T), __VA_ARGS__ }))
#endif
#define DW_TO DW_LIST /* the same, where the list is read as "into these" */

/* Counting and mapping up to 32 arguments; the price of DW_LIST, paid once, here. */
#define DW_NTH_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18, _19, _20, \
                _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32, N, ...)                        \
    N
#define DW_COUNT(...)                                                                                        \
    DW_NTH_(__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, \
            11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define DW_JOIN__(a, b)    a##b
#define DW_JOIN_(a, b)     DW_JOIN__(a, b)
#define DW_EACH_1(a)       DW(a)
#define DW_EACH_2(a, ...)  DW(a), DW_EACH_1(__VA_ARGS__)
#define DW_EACH_3(a, ...)  DW(a), DW_EACH_2(__VA_ARGS__)
#define DW_EACH_4(a, ...)  DW(a), DW_EACH_3(__VA_ARGS__)
#define DW_EACH_5(a, ...)  DW(a), DW_EACH_4(__VA_ARGS__)
#define DW_EACH_6(a, ...)  DW(a), DW_EACH_5(__VA_ARGS__)
#define DW_EACH_7(a, ...)  DW(a), DW_EACH_6(__VA_ARGS__)
#define DW_EACH_8(a, ...)  DW(a), DW_EACH_7(__VA_ARGS__)
#define DW_EACH_9(a, ...)  DW(a), DW_EACH_8(__VA_ARGS__)
#define DW_EACH_10(a, ...) DW(a), DW_EACH_9(__VA_ARGS__)
#define DW_EACH_11(a, ...) DW(a), DW_EACH_10(__VA_ARGS__)
#define DW_EACH_12(a, ...) DW(a), DW_EACH_11(__VA_ARGS__)
#define DW_EACH_13(a, ...) DW(a), DW_EACH_12(__VA_ARGS__)
#define DW_EACH_14(a, ...) DW(a), DW_EACH_13(__VA_ARGS__)
#define DW_EACH_15(a, ...) DW(a), DW_EACH_14(__VA_ARGS__)
#define DW_EACH_16(a, ...) DW(a), DW_EACH_15(__VA_ARGS__)
#define DW_EACH_17(a, ...) DW(a), DW_EACH_16(__VA_ARGS__)
#define DW_EACH_18(a, ...) DW(a), DW_EACH_17(__VA_ARGS__)
#define DW_EACH_19(a, ...) DW(a), DW_EACH_18(__VA_ARGS__)
#define DW_EACH_20(a, ...) DW(a), DW_EACH_19(__VA_ARGS__)
#define DW_EACH_21(a, ...) DW(a), DW_EACH_20(__VA_ARGS__)
#define DW_EACH_22(a, ...) DW(a), DW_EACH_21(__VA_ARGS__)
#define DW_EACH_23(a, ...) DW(a), DW_EACH_22(__VA_ARGS__)
#define DW_EACH_24(a, ...) DW(a), DW_EACH_23(__VA_ARGS__)
#define DW_EACH_25(a, ...) DW(a), DW_EACH_24(__VA_ARGS__)
#define DW_EACH_26(a, ...) DW(a), DW_EACH_25(__VA_ARGS__)
#define DW_EACH_27(a, ...) DW(a), DW_EACH_26(__VA_ARGS__)
#define DW_EACH_28(a, ...) DW(a), DW_EACH_27(__VA_ARGS__)
#define DW_EACH_29(a, ...) DW(a), DW_EACH_28(__VA_ARGS__)
#define DW_EACH_30(a, ...) DW(a), DW_EACH_29(__VA_ARGS__)
#define DW_EACH_31(a, ...) DW(a), DW_EACH_30(__VA_ARGS__)
#define DW_EACH_32(a, ...) DW(a), DW_EACH_31(__VA_ARGS__)
#define DW_EACH_(...)      DW_JOIN_(DW_EACH_, DW_COUNT(__VA_ARGS__))(__VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif
