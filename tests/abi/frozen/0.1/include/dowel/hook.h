/* hook.h - how plugins ask each other. A hook is a question to all who care; a service is a question to the one who
 * offers it. Both pass a struct that begins with `uint32_t struct_size` (set by the asker) and is declared in a header
 * of the plugin that asks the hook or offers the service.
 *
 * Who answers runs in a call of its own plugin, so dw_self(c) and dw_conf(c) are the answerer's; its memory is the
 * asker's, so what it leaves in the struct by dw_alloc() lives as long as the asker's call. */
#ifndef DOWEL_HOOK_H
#define DOWEL_HOOK_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a hook does when nobody answers. */
enum dw_silence { DW_SILENCE_ALLOWS = 1, DW_SILENCE_DENIES = 2 };

/* A hook that this plugin asks. Declared, so that the host knows what silence means: one that guards something denies
 * also when a plugin that answers it could not be loaded. */
typedef struct dw_question {
    const char *name; /* "door.may_enter": begins with the plugin's name */
    uint32_t silence; /* enum dw_silence; 0 is refused: a forgotten one must not read as harmless */
} dw_question;

/* An answer of this plugin to a hook, its own or another's. */
typedef struct dw_hook {
    const char *name;
    int (*answer)(dw_call *c, void *question); /* 1: answered, 0: ask the next one, or an error: refused */
    int32_t priority;                          /* 0..100, lower is asked earlier; 50 is where nobody minds */
} dw_hook;

/* A service that this plugin offers. */
typedef struct dw_service {
    const char *name;                         /* "mail.send/1": plugin, verb, version of the struct */
    int (*serve)(dw_call *c, void *question); /* 0 or more, or an error */
} dw_service;

typedef struct dw_hook_api {
    uint32_t struct_size;
    int (*ask)(dw_call *c, const char *hook, void *question);
    int (*serve)(dw_call *c, const char *service, void *question);
} dw_hook_api;

/* Asks those who answer the hook, by priority (of one priority by name), until one answers or refuses. 1: answered, 0:
 * nobody did and silence allows; DW_EDENIED: nobody did and silence denies, or it denies and an answerer is missing,
 * whatever the others would say; else the refusal, with its text in dw_error_of(c). DW_EMISUSE for a hook that no plugin
 * declares as its question, and for questions more than 16 deep: a ring. [call] */
static inline int dw_hook_ask(dw_call *c, const char *hook, void *question)
{
    return dw_host_->hook->ask(c, hook, question);
}

/* Asks a service, within the caller's deadline. DW_EUNAVAILABLE if nobody offers it, or its plugin has failed. A
 * provider's public header wraps it:
 *
 *   static inline int mail_send(dw_call *c, mail_message *m) { return dw_service_ask(c, "mail.send/1", m); }
 *
 * [call] */
static inline int dw_service_ask(dw_call *c, const char *service, void *question)
{
    return dw_host_->hook->serve(c, service, question);
}

#ifdef __cplusplus
}
#endif
#endif
