/* problem_pages.h - GET /problems/{slug}: the pages that the `type` of a problem leads to. */
#ifndef HTTP_PROBLEM_PAGES_H
#define HTTP_PROBLEM_PAGES_H

#include "http/router.h"

/* 0, or -1 with a sentence in why, as router_add. [before start] */
int problem_pages_mount(struct router *r, char why[ROUTER_WHY_SIZE]);

#endif
