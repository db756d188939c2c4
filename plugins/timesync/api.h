/* api.h - the operations of api.yaml, and what their handlers share. */
#ifndef TIMESYNC_API_H
#define TIMESYNC_API_H

#include <dowel/dowel.h>

/* The descriptor's. */
extern const dw_operation timesync_operations[];

/* ---- api_syncs.c ---- */
int api_list_rules(dw_call *c, dw_request *req);
int api_preview_schedule(dw_call *c, dw_request *req);
int api_list_syncs(dw_call *c, dw_request *req);
int api_create_sync(dw_call *c, dw_request *req);
int api_get_sync(dw_call *c, dw_request *req);
int api_change_sync(dw_call *c, dw_request *req);
int api_delete_sync(dw_call *c, dw_request *req);
int api_release_sync(dw_call *c, dw_request *req);

/* ---- api_runs.c ---- */
int api_start_run(dw_call *c, dw_request *req);
int api_list_runs(dw_call *c, dw_request *req);
int api_get_run(dw_call *c, dw_request *req);
int api_list_steps(dw_call *c, dw_request *req);
int api_cancel_run(dw_call *c, dw_request *req);
int api_undo_run(dw_call *c, dw_request *req);

/* ---- api_events.c ---- */
int api_follow_run(dw_call *c, dw_request *req);

/* ---- api_entries.c ---- */
int api_list_entries(dw_call *c, dw_request *req);
int api_get_entry(dw_call *c, dw_request *req);
int api_list_entry_steps(dw_call *c, dw_request *req);

/* ---- api_cases.c ---- */
int api_list_reasons(dw_call *c, dw_request *req);
int api_list_cases(dw_call *c, dw_request *req);
int api_count_cases(dw_call *c, dw_request *req);
int api_get_case(dw_call *c, dw_request *req);
int api_change_case(dw_call *c, dw_request *req);
int api_decide_case(dw_call *c, dw_request *req);
int api_decide_cases(dw_call *c, dw_request *req);

/* ---- api_mappings.c ---- */
int api_list_mappings(dw_call *c, dw_request *req);
int api_create_mapping(dw_call *c, dw_request *req);
int api_get_mapping(dw_call *c, dw_request *req);
int api_change_mapping(dw_call *c, dw_request *req);
int api_delete_mapping(dw_call *c, dw_request *req);
int api_settle_mapping(dw_call *c, dw_request *req);
int api_suggest_mappings(dw_call *c, dw_request *req);

/* ---- api_reports.c ---- */
int api_report_minutes(dw_call *c, dw_request *req);
int api_export_report(dw_call *c, dw_request *req);
int api_kpis(dw_call *c, dw_request *req);

/* ---- api_exports.c ---- */
int api_export_runs(dw_call *c, dw_request *req);
int api_export_entries(dw_call *c, dw_request *req);
int api_export_mappings(dw_call *c, dw_request *req);

#endif
