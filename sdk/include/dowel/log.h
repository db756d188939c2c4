/* log.h - facts with fields, no format strings: dw_info(c, "folder read", "files", n, "took", span). Plugin, callback
 * and request id are added by the host. Never fails, never waits for the disk. */
#ifndef DOWEL_LOG_H
#define DOWEL_LOG_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

enum dw_level { DW_LOG_DEBUG, DW_LOG_INFO, DW_LOG_WARN, DW_LOG_ERROR };

typedef struct dw_log_api {
    uint32_t struct_size;
    int (*enabled)(dw_call *c, int level);
    void (*write)(dw_call *c, int level, dw_list text_and_pairs);
    void (*write_any)(dw_instance *instance, int level, dw_list text_and_pairs);
    void (*count)(dw_call *c, dw_list name_by_and_labels);
} dw_log_api;

/* What only a developer wants to read. Its arguments are not evaluated where the level is off. [call] */
#define dw_debug(c, ...)                                                   \
    do {                                                                   \
        if (dw_host_->log->enabled((c), DW_LOG_DEBUG))                     \
            dw_host_->log->write((c), DW_LOG_DEBUG, DW_LIST(__VA_ARGS__)); \
    } while (0)

/* What happened. [call] */
#define dw_info(c, ...) (dw_host_->log->write((c), DW_LOG_INFO, DW_LIST(__VA_ARGS__)))

/* What will need somebody if it goes on. [call] */
#define dw_warn(c, ...) (dw_host_->log->write((c), DW_LOG_WARN, DW_LIST(__VA_ARGS__)))

/* What an admin should act on; what a client did wrong is not an error. [call] */
#define dw_error(c, ...) (dw_host_->log->write((c), DW_LOG_ERROR, DW_LIST(__VA_ARGS__)))

/* Where there is no call, in own threads and callbacks of foreign libraries: dw_log_any(instance, DW_LOG_WARN, "...").
 * [any] */
#define dw_log_any(instance, level, ...) (dw_host_->log->write_any((instance), (level), DW_LIST(__VA_ARGS__)))

/* dw_count(c, "entries", 3, "source", "csv"): adds 3 to the metric
 * dowel_<plugin>_entries_total{plugin="<plugin>",source="csv"}. Labels are for a handful of values, never for ids; plugin
 * is always the host's. [call] */
#define dw_count(c, ...) (dw_host_->log->count((c), DW_LIST(__VA_ARGS__)))

#ifdef __cplusplus
}
#endif
#endif
