/* upkeep.h - what the server process sees to beside requests, on the job workers: that its data folder can be written
 * and has room, and that its certificate lasts. Both may wait for a disk, so neither is done on a loop; /readyz and
 * /metrics tell what was found last. */
#ifndef CLI_UPKEEP_H
#define CLI_UPKEEP_H

struct tls_context;
struct upkeep;

/* Makes the job workers (threads; 0: one a processor, at least four), looks at everything once, and adds the readiness
 * check "data". data_dir and tls (NULL: none) are borrowed. 0, or -1 when memory or threads are out. [main thread] */
int upkeep_create(struct upkeep **out, unsigned threads, const char *data_dir, struct tls_context *tls);

/* Waits for what is being looked at. NULL is safe. */
void upkeep_destroy(struct upkeep *u);

/* Gives work to the job workers when it is time again. Cheap; call it every second or so. [main thread] */
void upkeep_tick(struct upkeep *u);

#endif
