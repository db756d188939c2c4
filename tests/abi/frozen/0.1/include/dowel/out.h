/* out.h - a JSON writer: straight to bytes, no tree. Errors stick: write on, look at the result of the end.
 *
 *   dw_out *o = dw_reply_open(req, 200);
 *   dw_out_set(o, "id", id);
 *   dw_out_array(o, "tags");
 *   while (...) dw_out_add(o, tag);
 *   dw_out_end(o);
 *   return dw_reply_close(req); */
#ifndef DOWEL_OUT_H
#define DOWEL_OUT_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_out dw_out; /* begins inside an object; belongs to what gave it, and to its call's thread */

typedef struct dw_out_api {
    uint32_t struct_size;
    void (*put)(dw_out *o, const char *key, dw_list one);
    void (*open)(dw_out *o, const char *key, int is_array);
    void (*end)(dw_out *o);
    int (*error)(dw_out *o);
} dw_out_api;

/* A member; a value NULL writes null, as do NaN and the infinities. [call] */
#define dw_out_set(o, key, value) (dw_host_->out->put((o), (key), DW_LIST(value)))

/* An element of the open array. [call] */
#define dw_out_add(o, value) (dw_host_->out->put((o), NULL, DW_LIST(value)))

/* Opens what the next dw_out_end closes; key NULL inside an array. Left open ones are closed at the end. [call] */
static inline void dw_out_object(dw_out *o, const char *key) { dw_host_->out->open(o, key, 0); }
static inline void dw_out_array(dw_out *o, const char *key) { dw_host_->out->open(o, key, 1); }
static inline void dw_out_end(dw_out *o) { dw_host_->out->end(o); }

/* 0, or the first error: a key outside an object, none inside one, a text that is not UTF-8, more ends than opens, out
 * of memory. [call] */
static inline int dw_out_error(dw_out *o) { return dw_host_->out->error(o); }

#ifdef __cplusplus
}
#endif
#endif
