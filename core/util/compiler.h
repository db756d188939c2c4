/* compiler.h - the few attributes used here, each behind a name of its own. */
#ifndef UTIL_COMPILER_H
#define UTIL_COMPILER_H

#define DW_PRINTF(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define DW_MUST_CHECK        __attribute__((warn_unused_result))
#define DW_NORETURN          __attribute__((noreturn))
#define DW_THREAD_LOCAL      _Thread_local

#define DW_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
