// next.mjs - the headers as the next minor might have them: everything that may be appended to has got something.
//
// A plugin built with them is the new one, one built with sdk/include the old one; so for the server, which takes its headers
// from -DDOWEL_SDK_HEADERS=FOLDER.

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { constantOf, headers } from './abi.mjs';

// Writes `file` of the folder anew; what is to be replaced has to be there once.
export function edit(folder, file, from, to) {
  const path = join(folder, 'dowel', file);
  const text = readFileSync(path, 'utf8');
  if (text.split(from).length !== 2) throw new Error(`${file} has to hold this once: ${from}`);
  writeFileSync(path, text.replace(from, () => to));
}

function append(folder, file, type, member) {
  edit(folder, file, `} ${type};\n`, `    ${member}\n} ${type};\n`);
}

// sdk/include, copied to the folder and moved on by one minor.
export function makeNext(folder) {
  cpSync(headers, folder, { recursive: true });
  const minor = constantOf(headers, 'DW_ABI_MINOR');
  edit(folder, 'value.h', `#define DW_ABI_MINOR ${minor}\n`, `#define DW_ABI_MINOR ${minor + 1}\n#define DW_FROM_NEXT 1\n`);
  append(folder, 'call.h', 'dw_call_api', 'int (*from_next)(dw_call *c);');
  append(folder, 'http.h', 'dw_operation', 'const char *from_next;');
  append(folder, 'plugin.h', 'dw_plugin', 'const char *from_next;');
  append(folder, 'plugin.h', 'dw_sizes', 'uint16_t from_next;');
  edit(folder, 'plugin.h', 'sizeof(dw_service) };', 'sizeof(dw_service), sizeof(dw_asset) };');
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.length !== 3) throw new Error('node next.mjs FOLDER');
  console.log(makeNext(process.argv[2]));
}
