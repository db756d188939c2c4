/* command_service.h - plugins' verbs in the server process: connections that the supervisor handed over, each served by a
 * thread of its own (command_frames.h). */
#ifndef CLI_COMMAND_SERVICE_H
#define CLI_COMMAND_SERVICE_H

#include "plugin/registry.h"

struct command_service;

/* 0, or -1 when memory is out. */
int command_service_create(struct command_service **out);

/* Commands may be run from now on; until then, who comes is told to try again. The registry is borrowed. [main thread] */
void command_service_start(struct command_service *s, const struct registry *registry);

/* Serves the connection, which it takes. [main thread] */
void command_service_take(struct command_service *s, int fd);

/* Takes no more; those that run go on. NULL is safe. [main thread] */
void command_service_drain(struct command_service *s);

/* None is running. True for NULL. [any thread] */
bool command_service_is_idle(struct command_service *s);

/* Cancels what runs and waits for its end: false when some has not ended within patience_us, and then nothing may be freed.
 * True for NULL. */
bool command_service_stop(struct command_service *s, int64_t patience_us);

/* After stop was true. NULL is safe. */
void command_service_destroy(struct command_service *s);

#endif
