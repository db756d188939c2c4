#include "api/server_contract.h"

#include <dowel/plugin.h>

extern const dw_asset server_contract[]; /* made by DowelAssets.cmake; ends with { 0 } */

int server_contract_read(struct api_document **out, struct buf *why)
{
    struct config_problems problems;

    config_problems_init(&problems);
    int rc = api_document_create(str_make(server_contract[0].data, server_contract[0].size),
                                 "core/contract/server.yaml", &problems, out);
    if (rc != 0)
        config_problems_format(why, &problems);
    else
        (*out)->base = ""; /* they stand where health checks look for them, without a version */
    config_problems_finish(&problems);
    return rc;
}
