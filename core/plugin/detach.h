/* detach.h - requests that are answered later, from any thread, by a token.
 *
 * A token's handle is the number of its slot and a generation, no address: whatever a plugin comes with is either the
 * token that it got, or nothing. A slot is in one of these states, all guarded by one lock that is never held while
 * anything is called:
 *
 *   FREE --detach--> OPEN --the plugin completes it--------------------> ANSWERED --> released
 *                      |
 *                      `--the client left, the deadline passed, stop--> GONE --the plugin completes it--> released
 *                                                                          `--stop--> released, RETIRED
 *
 * Whoever moves a slot out of OPEN owns the exchange from then on and gives it back exactly once: the completing thread,
 * or the keeper, a thread that sees to what is gone, for a loop may not run a plugin's on_gone. `busy` says that the
 * keeper is at it: on_gone is running or about to, so on_release is left to the keeper.
 *
 * released: on_release has run (once, after everything else), and the slot is free for another generation. RETIRED: it
 * has run because the plugin is stopped, but the plugin may still come with the token: the slot stays.
 *
 * A completion of what is GONE or RETIRED is DW_EGONE, a second one DW_EMISUSE. A completion whose arguments are wrong
 * is DW_EMISUSE and completes: the client gets a 500, not a wait until its deadline. */
#ifndef PLUGIN_DETACH_H
#define PLUGIN_DETACH_H

#include "plugin/instance.h"

/* A token that nobody has completed 10 s after its deadline (plugin_process.token_grace_us) is told to the log once, and
 * counted. It stays valid. */
int detach_request(dw_request *req, dw_token **out, const dw_detach_args *args);
int detach_reply(dw_token *t, dw_list status_and_pairs);
int detach_fail(dw_token *t, int code, const char *text);

/* Answers what is still open with a 503, tells its on_gone, waits for those that run, then releases all tokens of the
 * instance. None of its callbacks but these runs any more: after its stop, before its fini. May be repeated. [one thread] */
void detach_stop(dw_instance *instance);

/* How many tokens of the instance the plugin has not completed, or is just completing. [any thread] */
unsigned detach_open(const dw_instance *instance);

#endif
