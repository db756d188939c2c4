// docs_pages.mjs - were Swagger UI and ReDoc built? They need npm and its registry.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { binaryOf } from './server.mjs';

// For the `skip` of a test: false, or why.
export const pagesMissing = existsSync(join(dirname(binaryOf()), '../share/dowel/docs/swagger.html')) ? false : 'Swagger UI and ReDoc were not built: ./dev build says why';
