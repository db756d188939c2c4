/* synchub_import.h - dowel timesync import-synchub: the way here from the old tool SyncHub. */
#ifndef TIMESYNC_SYNCHUB_IMPORT_H
#define TIMESYNC_SYNCHUB_IMPORT_H

#include <dowel/dowel.h>

extern const dw_argument synchub_arguments[];

int command_import_synchub(dw_call *c, dw_command_run *run);

#endif
