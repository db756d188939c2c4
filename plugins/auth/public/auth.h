/* dowel/plugins/auth.h - what other plugins can ask of and answer to the plugin auth.
 *
 * A credential that is not auth's own (a token of another system, behind "Authorization: Bearer") is put to whoever answers
 * the hook `auth.authenticate`. Who recognises it says which of auth's users it stands for; what they may is auth's to say.
 *
 *   static int recognise(dw_call *c, void *question)
 *   {
 *       auth_authenticate *q = question;
 *       struct badge badge;
 *
 *       if (!looks_like_a_badge(q->token))
 *           return 0;                                (not mine: ask the next one)
 *       DW_TRY(check_badge(c, q->token, &badge));     (DW_EAUTH: mine, and not good)
 *       q->email = badge.email;
 *       q->scopes = "notes.read";
 *       return 1;
 *   }
 *
 *   static const dw_hook hooks[] = { { "auth.authenticate", recognise, .priority = 50 }, { 0 } };
 *
 * Nobody answers: the credential is refused; it is also while a plugin that answers could not be loaded. */
#ifndef DOWEL_PLUGINS_AUTH_H
#define DOWEL_PLUGINS_AUTH_H

#include <dowel/hook.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AUTH_AUTHENTICATE "auth.authenticate"

typedef struct auth_authenticate {
    uint32_t struct_size;

    /* Set by who asks, borrowed. */
    dw_str token;        /* never log it */
    const char *address; /* of the client */

    /* Set by who answers, in the call's memory. */
    const char *user;   /* the id of a user; or */
    const char *email;  /* their address */
    const char *tenant; /* a UUID, which they are a member of; NULL: the one they belong to */
    const char *scopes; /* to what it is limited, "notes.read kimai.*"; NULL: to nothing */
    dw_time expires;    /* until when the answer is good; 0, and at most: five minutes */
} auth_authenticate;

#ifdef __cplusplus
}
#endif
#endif
