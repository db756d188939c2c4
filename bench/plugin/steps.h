/* steps.h - what is measured: n times the same step, through the host's table and directly. */
#ifndef BENCH_PLUGIN_STEPS_H
#define BENCH_PLUGIN_STEPS_H

#include <stdint.h>

struct dw_call;

uintptr_t table_self(struct dw_call *c, unsigned n);
uintptr_t table_cancelled(struct dw_call *c, unsigned n);
uintptr_t table_alloc(struct dw_call *c, unsigned n);

uintptr_t direct_self(struct dw_call *c, unsigned n);
uintptr_t direct_cancelled(struct dw_call *c, unsigned n);
uintptr_t direct_alloc(struct dw_call *c, unsigned n);

/* In another object than its caller, so that it is not taken apart. */
void *self_of(struct dw_call *c);

#endif
