/* upkeep.h - what the server process sees to beside requests, on the job workers: that its data folder can be written
 * and has room, that its certificate lasts, and that the database answers. All may wait, for a disk or a network, so none
 * is done on a loop; /readyz and /metrics tell what was found last. */
#ifndef CLI_UPKEEP_H
#define CLI_UPKEEP_H

struct db;
struct tls_context;
struct upkeep;

/* All borrowed. */
struct upkeep_options {
    unsigned threads; /* 0: one a processor, at least four */
    const char *data_dir;
    struct tls_context *tls; /* NULL: none */
    struct db *db;           /* NULL: none */
};

/* Makes the job workers, looks at everything once, and adds the readiness checks "data" and "database". 0, or -1 when
 * memory or threads are out. [main thread] */
int upkeep_create(struct upkeep **out, const struct upkeep_options *options);

/* Waits for what is being looked at. NULL is safe. */
void upkeep_destroy(struct upkeep *u);

/* Gives work to the job workers when it is time again. Cheap; call it every second or so. [main thread] */
void upkeep_tick(struct upkeep *u);

#endif
