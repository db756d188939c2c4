/* clash6 - brings the kind of connection that clash1 has. */
#include <dowel/dowel.h>

static const dw_connector connectors[] = { { .name = "clash", .title = "Of clash6" }, { 0 } };

DOWEL_PLUGIN(.name = "clash6", .version = "1.0.0", .summary = "Brings another's kind", .license = "MIT",
             .connectors = connectors);
