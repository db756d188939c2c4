/* upkeep.h - what the server process sees to beside requests, on threads of its own: that its data folder can be written
 * and has room, that its certificate lasts, that the database answers and its walls are known, which connections to other systems
 * fail, and that jobs that are over go in time. All may wait, for a disk or a network, so none is done on a loop; /readyz and /metrics tell what was found last. */
#ifndef CLI_UPKEEP_H
#define CLI_UPKEEP_H

struct db;
struct jobs;
struct tls_context;
struct upkeep;

/* All borrowed. */
struct upkeep_options {
    const char *data_dir;
    struct tls_context *tls; /* NULL: none */
    struct db *db;           /* NULL: none */
    struct jobs *jobs;       /* NULL: none */
};

/* Makes the threads, looks at everything once, and adds the readiness checks "data" and "database". 0, or -1 when
 * memory or threads are out. [main thread] */
int upkeep_create(struct upkeep **out, const struct upkeep_options *options);

/* Waits for what is being looked at. NULL is safe. */
void upkeep_destroy(struct upkeep *u);

/* Tables of tenants came or went: the database learns its walls again, at the next tick. [main thread] */
void upkeep_learn_walls(struct upkeep *u);

/* Gives work to the threads when it is time again. Cheap; call it every second or so. [main thread] */
void upkeep_tick(struct upkeep *u);

#endif
